from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.editing.drafts import drafts_of
from specdet.spec.compose import shipped_specs
from tests.app.conftest import APP

RPN = (shipped_specs() / "rpn.toml").read_text()


def opened(name: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(APP / "shell.py"), default_timeout=30)
    at.switch_page("pages/edit.py")
    at.query_params["file"] = name
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def said(at: AppTest) -> str:
    assert not at.exception
    elements = [*at.markdown, *at.caption, *at.error, *at.warning, *at.info, *at.code, *at.button]
    return "\n".join(str(getattr(each, "value", "")) + str(getattr(each, "label", "")) for each in elements)


def lr(at: AppTest):
    return next(each for each in at.text_input if each.key == "a.toml/field/optimizer.lr")


@pytest.fixture
def file(workspace: Path) -> Path:
    path = workspace / "a.toml"
    path.write_text(RPN)
    return path


@pytest.mark.parametrize("name", ["../x.toml", "/etc/passwd", "specdet:../x.toml", "gone.toml"])
def test_what_is_not_opened_is_told_in_a_sentence(workspace, name):
    (workspace.parent / "x.toml").write_text(RPN)
    at = opened(name)
    assert not at.exception
    assert len(at.error) == 1
    assert not at.text_input


def test_a_wrong_value_is_told_at_its_field_and_with_its_line_and_kept_as_a_draft(file):
    at = opened("a.toml", section="optimizer")
    assert lr(at).value == "1e-3"
    lr(at).set_value("fast").run()
    line = RPN.splitlines().index("lr = 1e-3") + 1
    assert f"line {line}" in said(at)
    assert said(at).count("expected a number") == 2  # at the field, and below the text
    assert 'lr = "fast"' in drafts_of(file)[0].text
    assert file.read_text() == RPN


def test_a_save_keeps_everything_but_what_was_typed(file):
    at = opened("a.toml", section="optimizer")
    lr(at).set_value("5e-4").run()
    at.button(key="save").click().run()
    assert file.read_text() == RPN.replace("lr = 1e-3", "lr = 5e-4")
    assert not drafts_of(file)
    assert at.button(key="save").disabled


def test_an_emptied_field_goes_back_to_what_lies_below_it(file):
    at = opened("a.toml", section="optimizer")
    lr(at).set_value("").run()
    assert lr(at).value == ""
    assert lr(at).placeholder == "0.001"
    at.button(key="undo").click().run()
    assert lr(at).value == "1e-3"


def test_a_second_tab_is_refused_with_a_diff_and_may_save_knowingly(file):
    one, two = opened("a.toml", section="optimizer"), opened("a.toml", section="optimizer")
    lr(one).set_value("2e-3").run()
    lr(two).set_value("7e-4").run()
    one.button(key="save").click().run()
    two.button(key="save").click().run()
    assert "lr = 2e-3" in file.read_text()
    assert "Not saved" in said(two)
    assert "+lr = 7e-4" in said(two)
    two.button(key="save_over").click().run()
    assert "lr = 7e-4" in file.read_text()


def test_theirs_can_be_loaded_and_ours_are_offered_then(file):
    at = opened("a.toml", section="optimizer")
    lr(at).set_value("7e-4").run()
    file.write_text(RPN.replace("lr = 1e-3", "lr = 9e-3"))
    at.run()
    at.button(key="load_theirs").click().run()
    assert lr(at).value == "9e-3"
    assert "+lr = 7e-4" in said(at)


def test_a_reload_brings_back_what_was_not_saved(file):
    at = opened("a.toml", section="optimizer")
    lr(at).set_value("7e-4").run()
    again = opened("a.toml", section="optimizer", draft=drafts_of(file)[0].id)
    assert lr(again).value == "7e-4"
    again.button(key="discard").click().run()
    assert lr(again).value == "1e-3"
    assert not drafts_of(file)


def test_a_shipped_spec_is_not_saved_where_it_lies(workspace):
    at = opened("specdet:rpn.toml")
    assert "another name" in said(at)
    assert "save" not in [button.key for button in at.button]


def test_another_type_is_chosen_and_its_fields_come(file):
    at = opened("a.toml", section="optimizer")
    at.selectbox(key="a.toml/type/optimizer").set_value("SGD").run()
    assert "a.toml/field/optimizer.momentum" in [each.key for each in at.text_input]
    assert at.selectbox(key="a.toml/type/optimizer").value == "SGD"


def test_a_text_that_is_no_toml_leaves_the_form_readable_but_not_writable(file):
    file.write_text("[model")
    at = opened("a.toml")
    assert "no TOML" in said(at)
    assert all(each.disabled for each in at.text_input)


@pytest.mark.parametrize(("view", "shown"), [("changes", "no difference"), ("whole", "what a run keeps")])
def test_the_other_views_show_every_shipped_spec(workspace, view, shown):
    for path in sorted(shipped_specs().rglob("*.toml")):
        at = opened(f"specdet:{path.relative_to(shipped_specs()).as_posix()}", view=view)
        assert shown in said(at) or "base" in path.parts


def test_the_url_says_the_section_and_not_how_it_is_labelled(file):
    at = opened("a.toml", section="optimizer")
    lr(at).set_value("fast").run()
    assert at.query_params["section"] == "optimizer"
    at.button(key="problem/0").click().run()
    assert at.query_params["section"] == "optimizer"
    assert opened("a.toml", section="nonsense").query_params.get("section") is None


def test_untrusted_text_is_never_markdown(workspace):
    evil = "![x](http://evil.example/x.png)"
    (workspace / "a.toml").write_text(f'spec = 1\nname = 7\nseed = "{evil}"\n"{evil}" = 1\n')
    at = opened("a.toml", section="general")
    assert not at.exception
    shown = [*(each.value for each in (*at.markdown, *at.caption, *at.error)), *(each.label for each in at.button)]
    assert not [text for text in shown if evil in text]


def test_launch_and_data_lead_on_with_the_file(file, monkeypatch):
    at = opened("a.toml")
    gone = []
    monkeypatch.setattr("streamlit.switch_page", lambda page, query_params: gone.append((page, query_params)))
    at.button(key="launch").click().run()
    assert gone == [("pages/launch.py", {"spec": "a.toml"})]
