from streamlit.testing.v1 import AppTest

from app.widgets.spec_list import PAGE
from specdet.spec.compose import shipped_specs
from tests.app.conftest import APP

RPN = (shipped_specs() / "rpn.toml").read_text()


def opened(**query: str) -> AppTest:
    at = AppTest.from_file(str(APP / "shell.py"), default_timeout=30)
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    links = [each.proto.label for each in at.get("page_link")]
    return "\n".join([*links, *(each.value for each in (*at.markdown, *at.caption, *at.subheader))])


def names(at: AppTest) -> list[str]:
    return [each.proto.label.strip("*").replace("\\", "") for each in at.get("page_link") if "**" in each.proto.label]


def test_an_empty_folder_says_what_to_do(workspace):
    at = opened()
    assert "no spec in" in said(at)
    assert "specdet:rpn.toml" in names(at)
    assert not [name for name in names(at) if "templates" in name]


def test_specs_of_the_folder_are_listed_with_what_is_wrong(workspace):
    (workspace / "good.toml").write_text(RPN)
    (workspace / "bad.toml").write_text(RPN.replace("lr = 1e-3", "lr = -1"))
    at = opened()
    assert names(at)[:2] == ["bad.toml", "good.toml"]
    assert "must be above 0" in said(at).replace("\\", "")


def test_the_search_is_in_the_url_and_looks_at_problems_too(workspace):
    (workspace / "good.toml").write_text(RPN)
    (workspace / "bad.toml").write_text(RPN.replace("lr = 1e-3", "lr = -1"))
    assert names(opened(q="above problem")) == ["bad.toml"]
    assert names(opened(q="shapes good")) == ["good.toml"]


def test_untrusted_names_and_comments_are_never_markdown(workspace):
    evil = "![x](http:evil)"
    (workspace / f"{evil}.toml").write_text(f"# {evil}\n{RPN}")
    at = opened()
    assert f"{evil}.toml" in names(at)
    assert evil not in said(at)


def test_many_specs_come_in_pages(workspace):
    for number in range(PAGE + 5):
        (workspace / f"s{number:02}.toml").write_text("spec = 1\n")
    assert len([name for name in names(opened()) if not name.startswith("specdet:")]) == PAGE
