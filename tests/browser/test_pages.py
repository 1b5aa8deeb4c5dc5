"""Every page opens, with nothing there yet."""

PAGES = ("", "runs", "compare", "data", "predictions", "edit", "launch", "run")


def test_every_page_opens_where_there_is_nothing_yet(tab, server):
    for name in PAGES:
        tab.open(f"/{name}")
        tab.page.wait_for_selector("h1, h2")
    assert "Traceback" not in server.said
