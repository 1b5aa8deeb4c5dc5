"""Two tabs that edit the same file: the second save is refused with a diff, and nothing is lost."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Tab

SPEC = '# mine\nspec = 1\nextends = ["specdet:rpn.toml"]\n\n[optimizer]\nlr = 1e-3    # found by hand\n'


def edit(tab: Tab, value: str) -> None:
    tab.open("/edit?file=two.toml")
    tab.page.get_by_role("radiogroup", name="Section").get_by_role("radio", name=re.compile("optimizer")).click()
    tab.page.get_by_role("textbox", name=re.compile(r"\blr\b")).fill(value)
    expect(tab.page.get_by_text("unsaved")).to_be_visible()


def test_the_second_save_is_refused_with_a_diff(tab, context, server):
    spec = server.workspace / "two.toml"
    spec.write_text(SPEC)
    second = Tab(context, server)
    edit(tab, "3e-3")
    edit(second, "7e-3")
    tab.page.keyboard.press("Control+s")
    expect(tab.page.get_by_text("unsaved")).to_have_count(0)
    theirs = SPEC.replace("1e-3", "3e-3")
    assert spec.read_text() == theirs

    second.page.keyboard.press("Control+s")
    expect(second.page.get_by_text(re.compile("Not saved.*changed on disk"))).to_be_visible()
    for line in ("-lr = 3e-3    # found by hand", "+lr = 7e-3    # found by hand"):
        expect(second.page.locator("code").filter(has_text=line).first).to_be_visible()
    second.shoot("edit-conflict")
    assert spec.read_text() == theirs

    # Both are there after the tab is loaded anew and the server was started again.
    address = second.page.url
    server.kill()
    server.start()
    second.page.goto(address)
    second.settle()
    expect(second.page.locator("code").filter(has_text="+lr = 7e-3    # found by hand").first).to_be_visible()
    second.page.get_by_role("button", name=re.compile("Save mine over theirs")).click()
    expect(second.page.get_by_text("unsaved")).to_have_count(0)
    assert spec.read_text() == SPEC.replace("1e-3", "7e-3")
    assert second.strangers == []
