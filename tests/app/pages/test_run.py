import json
import os
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.states import LOOKS
from specdet.runs.control import asked, finish, pending
from specdet.runs.events import EventWriter
from specdet.runs.user import edit_user, read_user
from tests.runs.made import RUN_ID, made, owned

SHELL = str(Path(__file__).parents[3] / "app" / "shell.py")
HERE = os.uname().nodename
NOW = 4e9  # a sign of life that is never old
STATES = {
    "queued": {"state": "queued", "message": "waits for another"},
    "starting": {"state": "starting"},
    "running": {"state": "running"},
    "stopping": {"state": "stopping"},
    "finished": {"state": "finished"},
    "stopped": {"state": "stopped", "reason": "user"},
    "failed": {"state": "failed", "message": "it *broke*", "last_lines": ["Traceback", "ValueError: \x1b[31mno"]},
}
TABS = ("charts", "log", "events", "evaluations", "checkpoints", "spec", "origin")
ALIVE = ("queued", "starting", "running", "stopping")


@pytest.fixture
def runs(workspace):
    return workspace / "runs"


def opened(run=RUN_ID, **query):
    at = AppTest.from_file(SHELL, default_timeout=60)
    at.switch_page("pages/run.py")
    for name, value in {"run": run, **query}.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def shown(at):
    """All text of the page."""
    kinds = ("title", "text", "markdown", "caption", "error", "warning", "info", "code")
    return "\n".join(str(element.value) for kind in kinds for element in at.get(kind))


def button(at, key):
    return next(each for each in at.button if each.key == key)


def measure(run, count=30, attempt=1):
    with EventWriter(run / "events.jsonl", attempt=attempt) as writer:
        writer.write("phase", {"phase": "train"}, step=0, epoch=0)
        for step in range(1, count + 1):
            writer.write("metric", {"loss": 1.0 / step, "lr": 0.1}, step=step, epoch=step // 10)
        writer.write("eval", {"bbox/AP": 0.25, "bbox/AP/cat": 0.5}, step=count, epoch=count // 10)
        writer.write("command", {"command": "checkpoint", "outcome": "done"}, step=count, epoch=3)


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_said_by_its_word(runs, state):
    tables = {"state": {"attempt": 2, "t": NOW, **STATES[state]}, "progress": {"t": NOW, "iter": 3, "max_iters": 12}}
    run = made(runs, **tables)
    if state in ALIVE:
        with owned(run):
            at = opened()
    else:
        at = opened()
    assert f"{LOOKS[state].icon} {state}" in shown(at) and "attempt 2" in shown(at)
    assert button(at, "resume").disabled == (state not in ("stopped", "failed"))
    assert button(at, "ask-stop").disabled == (state not in ("queued", "starting", "running"))
    assert button(at, "ask-checkpoint").disabled == (state != "running")


def test_a_failure_shows_its_reason_and_its_last_lines_as_text(runs):
    made(runs, state={"attempt": 1, "t": NOW, **STATES["failed"]})
    at = opened()
    assert at.error[0].value == "It \\*broke\\*"
    assert "Traceback\nValueError: no" in [each.value for each in at.code]


def test_runs_without_a_word_are_lost_and_those_of_other_machines_are_remote(runs):
    made(runs, "lost-one", state={"state": "running", "t": 1.0})
    assert "lost" in shown(opened("lost-one"))
    made(runs, "far-one", meta={"name": "x", "created": 1.0, "host": {"name": "elsewhere"}},
         state={"state": "running", "t": NOW}, progress={"t": NOW, "phase": "train"})  # fmt: skip
    at = opened("far-one")
    assert "remote" in shown(at) and not button(at, "ask-stop").disabled


@pytest.mark.parametrize("run", ["none", "../x", ".trash", "", "a\0b", "x" * 5000])
def test_what_is_no_run_is_a_sentence(runs, run):
    runs.mkdir()
    at = opened(run)
    assert at.error or at.selectbox or "no runs" in shown(at)


def test_a_run_that_is_deleted_while_it_is_watched_is_said_to_be_gone(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    at = opened()
    shutil.rmtree(run)
    at.run()
    assert not at.exception and "was it moved or deleted" in at.error[0].value


def test_a_run_whose_files_lead_elsewhere_is_not_read(runs, tmp_path):
    run = made(runs, state={"state": "finished", "t": NOW})
    (tmp_path / "secret").write_text('{"name": "secret"}')
    (run / "meta.json").unlink()
    (run / "meta.json").symlink_to(tmp_path / "secret")
    at = opened()
    assert "link to outside" in at.error[0].value and "secret" not in at.title


def test_what_strangers_wrote_is_never_markdown(runs):
    evil = "![x](http://evil.example/x.png) :red[x] $x$"
    run = made(runs, meta={"name": evil, "created": 1.0}, state={"state": "stopped", "message": evil, "t": NOW},
               user={"note": evil, "tags": [evil]})  # fmt: skip
    with EventWriter(run / "events.jsonl") as writer:
        writer.write("metric", {evil: 1.0, f"{evil}/loss": float("nan")}, step=1, epoch=0)
        writer.write("error", {"type": evil, "message": evil}, step=1, epoch=0)
    (run / "out.log").write_text(evil)
    for tab in TABS:
        at = opened(tab=tab)
        markdown = [
            *(
                each.value
                for kind in ("title", "markdown", "caption", "error", "warning", "info")
                for each in at.get(kind)
            ),
            *(each.label for kind in ("button", "text_input", "checkbox") for each in at.get(kind)),
        ]
        assert not [text for text in markdown if "![x](" in text or ":red[" in text]


MARKDOWN = ("title", "markdown", "caption", "error", "warning", "info")
JUNK = ("", "[]", '{"a":', "\0" * 100, '{"state": 3, "t": "x", "last_lines": 7}', "[" * 100_000)


@pytest.mark.parametrize(
    ("tab", "junk"), [*zip(TABS, [JUNK[4]] * len(TABS), strict=True), *(("charts", each) for each in JUNK)]
)
def test_a_directory_full_of_junk_is_no_mistake_of_ours(runs, tab, junk):
    run = made(runs, meta=junk, state=junk, progress=junk, user=junk, proc=junk, end=junk)
    for name in ("events.jsonl", "out.log", "spec.toml", "spec.source.toml", "git.patch"):
        (run / name).write_text(junk)
    checkpoint = run / "checkpoints" / "iter_00000001"
    checkpoint.mkdir(parents=True)
    for name in ("manifest.json", "progress.json"):
        (checkpoint / name).write_text(junk)
    (run / "control" / "done").mkdir(parents=True)
    (run / "control" / "done" / "1.json").write_text(junk)
    at = opened(tab=tab)
    assert at.title


def test_the_tab_of_the_url_is_shown(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    measure(run)
    (run / "out.log").write_text("one\ntwo\n")
    assert [each.value for each in opened(tab="log").code] == ["one\ntwo"]
    table = opened(tab="evaluations").dataframe[0].value
    assert list(table["step"]) == [30] and list(table["bbox/AP"]) == ["0.2500 ◆"]
    assert "checkpoint: done" in list(opened(tab="events").dataframe[0].value["details"])
    assert len(opened(tab="charts").get("vega_lite_chart")) == 3
    assert len(opened(tab="no such tab").get("vega_lite_chart")) == 3


def test_values_are_there_as_tables_for_who_cannot_see_charts(runs):
    measure(made(runs, state={"state": "finished", "t": NOW}), count=5)
    at = opened(form="values")
    assert not at.get("vega_lite_chart")
    losses = at.dataframe[0].value
    assert list(losses["step"]) == [5, 4, 3, 2, 1] and losses["loss"].iloc[0] == "0.2"


def test_what_is_asked_is_asked_once_and_its_answer_is_shown(runs):
    run = made(
        runs, state={"state": "running", "t": NOW, "attempt": 1}, progress={"t": NOW, "phase": "train", "iter": 3}
    )
    with owned(run):
        at = opened()
        button(at, "ask-checkpoint").click().run()
        (command,) = pending(run)
        assert (command.kind, command.by) == ("checkpoint", "app")
        assert button(at, "ask-checkpoint").disabled and "has not answered yet" in shown(at)
        finish(run, command, outcome="done")
        at.run()
        assert not button(at, "ask-checkpoint").disabled
        assert any(text.value.startswith("✓ Asked") for text in at.text)


def test_to_stop_without_saving_wants_a_second_click(runs):
    run = made(runs, state={"state": "running", "t": NOW, "attempt": 1}, progress={"t": NOW, "phase": "train"})
    with owned(run):
        at = opened()
        button(at, "ask-stop_now").click().run()
        assert [each.command.kind for each in asked(run)] == ["stop_now"]


def test_what_people_say_of_a_run_is_kept(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    at = opened()
    next(each for each in at.button if each.label == "Star").click().run()
    at.text_input(key=f"about-{RUN_ID}-name").set_value("my *run*")
    at.text_area(key=f"about-{RUN_ID}-note").set_value("a note")
    next(each for each in at.button if each.label == "Save").click().run()
    at.text_input(key=f"about-{RUN_ID}-tag").set_value("one two").run()
    said = read_user(run)
    assert (said.star, said.name, said.note, said.tags) == (True, "my *run*", "a note", ("one", "two"))
    assert at.title[0].value == "my \\*run\\*"


def test_a_note_that_is_saved_leaves_a_name_that_was_given_elsewhere_meanwhile(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    at = opened()
    edit_user(run, name="elsewhere")
    at.text_area(key=f"about-{RUN_ID}-note").set_value("a note")
    next(each for each in at.button if each.label == "Save").click().run()
    assert (read_user(run).name, read_user(run).note) == ("elsewhere", "a note")


def test_what_cannot_be_kept_is_said(runs):
    run = made(runs, state={"state": "finished", "t": NOW}, user="broken")
    at = opened()
    next(each for each in at.button if each.label == "Star").click().run()
    assert any("would be overwritten" in each.value for each in at.error)
    assert (run / "user.json").read_text() == "broken"


def test_a_run_goes_to_the_trash_once_one_is_sure(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    at = opened()
    assert button(at, "trash").disabled
    at.checkbox(key=f"sure-{RUN_ID}").check().run()
    button(at, "trash").click().run()
    assert not run.exists() and (runs / ".trash" / RUN_ID).is_dir()


def test_a_run_that_cannot_be_resumed_says_why(runs):
    made(runs, state={"state": "stopped", "t": NOW, "attempt": 1})
    at = opened()
    button(at, "resume").click().run()
    assert any("spec" in each.value for each in at.error)


def test_a_search_finds_lines_of_the_whole_log(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    (run / "out.log").write_text("".join(f"line {number}\n" for number in range(1, 2001)))
    at = opened(tab="log", q="line 77")
    (code,) = at.code
    assert [line.split() for line in code.value.splitlines()][:2] == [["77", "line", "77"], ["770", "line", "770"]]
    assert "11 of 2,000 lines" in shown(at)
    assert "no pattern" in opened(tab="log", q="(", regex="1").error[0].value


def test_a_search_goes_on_to_the_last_line_that_a_run_writes(runs):
    run = made(runs, state={"state": "failed", "attempt": 1, "t": 1500.0})
    (run / "out.log").write_text("line 1\n")
    at = opened(tab="log", q="ValueError")
    assert "None of 1 lines" in shown(at)
    with (run / "out.log").open("a") as log:
        log.write("ValueError: no\nhalf a Val")
    at.run()
    assert "1 of 2 lines" in shown(at) and "ValueError: no" in at.code[0].value


def test_older_pages_of_a_log_are_had_on_demand(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    (run / "out.log").write_text("".join(f"{number}\n" for number in range(1, 1201)))
    at = opened(tab="log")
    assert at.code[0].value.splitlines()[0] == "701"
    button(at, "log-older").click().run()
    assert at.code[0].value.splitlines()[0] == "201" and at.query_params["at"]
    button(at, "log-follow").click().run()
    assert at.code[0].value.splitlines()[-1] == "1200" and "at" not in at.query_params


def test_weights_can_be_downloaded_and_started_from(runs):
    run = made(runs, state={"state": "finished", "t": NOW})
    folder = run / "checkpoints" / "iter_00000030" / "accelerate"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"x" * 10)
    files = {"accelerate/model.safetensors": {"size": 10}}
    (folder.parent / "manifest.json").write_text(json.dumps({"v": 1, "serial": 1, "files": files}))
    at = opened(tab="checkpoints")
    assert at.dataframe[0].value["checkpoint"].tolist() == ["iter_00000030"]
    assert [each.label for each in at.get("link_button")] == ["Download its weights (10 B)"]
    button(at, "start-from").click().run()
    assert at.query_params["rerun"] == RUN_ID and at.query_params["set"] == f"train.load_from={folder.parent}"
