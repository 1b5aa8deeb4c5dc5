import shlex
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.launching.inspection import Told
from app.launching.starts import Starts, new_request
from app.widgets import check_result
from specdet.experiment import load, resolved
from specdet.runs.control import ask
from tests.app.conftest import APP
from tests.runs.launching import LONG, ended, until
from tests.runs.made import made

RPN = "specdet:rpn.toml"
HOSTILE = "x; touch owned $(touch owned) `touch owned` '\" --queue"


def opened(**query: str | list[str]) -> AppTest:
    at = AppTest.from_file(str(APP / "shell.py"), default_timeout=60)
    at.switch_page("pages/launch.py")
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def command(at: AppTest) -> list[str]:
    """What is shown, as a shell reads it."""
    assert not at.exception
    return shlex.split(at.code[0].value)


def button(at: AppTest, key: str = "start"):
    return at.button(key=key)


def told(at: AppTest) -> str:
    assert not at.exception
    elements = [*at.error, *at.warning, *at.success, *at.caption, *at.markdown]
    return "\n".join(each.value.replace("\\", "") for each in elements)


def runs_of(launching) -> list[Path]:
    root = launching.folder / "runs"
    return sorted(path for path in root.iterdir() if path.name[0] != ".") if root.exists() else []


@pytest.fixture
def here(launching, monkeypatch):
    """A workspace with fake trainings."""
    monkeypatch.chdir(launching.folder)
    monkeypatch.setenv("SPECDET_DEVICES", "cpu")
    monkeypatch.setenv("FAKE", "finish")
    return launching


@pytest.mark.parametrize(
    "query",
    [{}, {"spec": "../x.toml"}, {"spec": "/etc/passwd"}, {"spec": "gone.toml"}, {"resume": "../.."}, {"rerun": "no"},
     {"spec": RPN, "rerun": "x"}, {"spec": "$(touch owned).toml"}],
)  # fmt: skip
def test_what_cannot_be_launched_is_a_sentence(workspace, query):
    at = opened(**query)
    assert not at.exception and len(at.error) == 1 and at.error[0].value.endswith(".")
    assert not [each for each in at.button if each.key == "start"]
    assert not (workspace / "owned").exists()


def test_a_right_spec_shows_its_command_and_may_be_launched(workspace, monkeypatch):
    monkeypatch.setenv("SPECDET_DEVICES", "cpu")
    at = opened(spec=RPN)
    assert command(at) == ["specdet", "launch", RPN, "--detach"]
    assert not button(at).disabled and "The spec is right" in told(at)
    assert "trains alone" in told(at)
    assert "specdet.train" in at.code[1].value and at.code[1].value.startswith("env ")


def test_the_url_fills_the_form(workspace):
    at = opened(spec=RPN, name="mine", seed="3", processes="2", precision="bf16", queue="1",
                set=["optimizer.lr=0.5", "~hooks.log"])  # fmt: skip
    assert command(at) == [
        "specdet", "launch", RPN, "seed=3", "train.precision=bf16", "optimizer.lr=0.5", "~hooks.log", "--name=mine",
        "--processes", "2", "--queue", "--detach",
    ]  # fmt: skip
    at.text_input(key="launch-name").set_value("").run()
    assert "name" not in at.query_params and at.query_params["seed"] == "3"


def test_the_shell_is_told_of_strange_texts_in_quotes_and_nothing_runs_them(here):
    at = opened(spec=RPN, name=HOSTILE, set=[f"data.root={HOSTILE}", f"{HOSTILE}=1"])
    assert f"--name={HOSTILE}" in command(at) and f"data.root={HOSTILE}" in command(at)
    assert button(at).disabled
    at = opened(spec=RPN, name=HOSTILE)
    button(at).click().run()
    (run,) = runs_of(here)
    ended(run, seconds=LONG)
    assert load(run / "spec.toml").name == HOSTILE
    assert not [*here.folder.rglob("owned")]


def test_a_problem_is_told_with_its_line_and_keeps_the_button_closed(workspace):
    (workspace / "a.toml").write_text(f'extends = ["{RPN}"]\n[optimizer]\nlr = "fast"\n')
    at = opened(spec="a.toml")
    assert "a.toml:3:6: optimizer.lr: expected a number" in told(at)
    assert button(at).disabled and "1 problem to mend" in told(at)


def test_what_this_machine_lacks_is_told_as_such(workspace):
    at = opened(spec=RPN, set="data.root=/nowhere")
    assert "This machine lacks something" in told(at) and button(at).disabled


def test_a_change_is_checked_as_it_is_typed(workspace):
    at = opened(spec=RPN, set="optimizer.lr=fast")
    assert told(at).count("expected a number") == 2 and button(at).disabled  # at its row, and with the others
    at.text_input(key="change-0-value").set_value("1e-4").run()
    assert "expected a number" not in told(at) and at.query_params["set"] == "optimizer.lr=1e-4"
    at.text_input(key="change-0-value").set_value("").run()
    assert "no value yet" in told(at) and button(at).disabled
    button(at, "change-0-drop").click().run()
    assert command(at) == ["specdet", "launch", RPN, "--detach"] and "set" not in at.query_params


def test_what_a_field_says_already_is_not_said_by_a_change_too(workspace):
    at = opened(spec=RPN, seed="3", set="seed=4")
    assert "the form above says this already" in told(at) and button(at).disabled


def test_one_press_starts_one_run_however_often_it_is_made(here):
    at = opened(spec=RPN, name="mine")
    request = at.query_params["request"]
    button(at).click().run()
    assert not at.exception
    (run,) = runs_of(here)
    again = opened(spec=RPN, name="mine", request=request)  # loaded again, or a copy of the window
    assert f"This was started: {run.name}." in told(again)
    assert not [each for each in again.button if each.key == "start"]
    assert runs_of(here) == [run]
    ended(run, seconds=LONG)  # until then its device is busy
    next(each for each in again.button if each.label == "Launch another").click().run()
    assert again.query_params["request"] != request and not button(again).disabled


def test_the_same_from_two_windows_is_asked_about_first(here):
    one, two = opened(spec=RPN), opened(spec=RPN)
    button(one).click().run()
    (run,) = runs_of(here)
    ended(run, seconds=LONG)
    button(two).click().run()
    assert f"The same was started just now from another window: {run.name}." in told(two)
    assert runs_of(here) == [run]
    button(two, "start-once-more").click().run()
    assert len(runs_of(here)) == 2
    ended(runs_of(here)[1], seconds=LONG)


def test_busy_devices_are_told_with_who_has_them_and_the_queue_is_offered(here, monkeypatch):
    first = here("")
    at = opened(spec=RPN, name="second")
    assert f"The devices are busy with {first.name}." in told(at) and button(at).disabled
    button(at, "wait").click().run()
    assert "--queue" in command(at) and at.query_params["queue"] == "1"
    monkeypatch.setenv("FAKE", "finish")
    button(at).click().run()
    second = next(run for run in runs_of(here) if run != first)
    until(lambda: (second / "state.json").exists(), seconds=LONG)
    ask(first, "stop")
    until(lambda: '"finished"' in (second / "state.json").read_text(), seconds=LONG)
    ended(second, seconds=LONG)


def test_a_start_that_fails_is_a_sentence_and_may_be_tried_again(here, monkeypatch):
    at = opened(spec=RPN)
    (here.folder / "file").touch()
    monkeypatch.setenv("SPECDET_RUNS", str(here.folder / "file/runs"))
    button(at).click().run()
    assert "Not a directory" in told(at)
    assert Starts.here().run_of(at.query_params["request"]) is None
    monkeypatch.setenv("SPECDET_RUNS", str(here.folder / "runs"))
    button(at).click().run()
    (run,) = runs_of(here)
    ended(run, seconds=LONG)


@pytest.fixture
def stopped(workspace, monkeypatch):
    monkeypatch.setenv("SPECDET_DEVICES", "cpu")
    run = made(workspace / "runs", state={"state": "stopped", "attempt": 1, "t": time.time()}, progress={"iter": 5})
    (run / "spec.toml").write_text(resolved(load(RPN, ["seed=7"])))
    return run


def test_a_run_goes_on_or_is_trained_again_by_its_id(stopped):
    assert command(opened(resume=stopped.name)) == ["specdet", "resume", stopped.name, "--detach"]
    assert "It has no checkpoint: it begins anew" in told(opened(resume=stopped.name))
    at = opened(rerun=stopped.name, name="again")
    assert command(at) == ["specdet", "rerun", stopped.name, 'name="again"', "--detach"]
    assert at.number_input(key="launch-seed").placeholder == "7"
    with pytest.raises(KeyError):
        opened(resume=stopped.name).number_input(key="launch-seed")


def test_weights_are_not_taken_from_where_a_link_leads(stopped, workspace):
    (workspace.parent / "elsewhere").mkdir()
    (stopped / "checkpoints").symlink_to(workspace.parent / "elsewhere")
    assert "is a link to outside" in told(opened(spec=RPN, weights=stopped.name))


def test_weights_are_taken_from_a_checkpoint_of_a_run(stopped, workspace):
    at = opened(spec=RPN, weights=stopped.name)
    assert "has no checkpoint" in told(at)
    for serial, iter in enumerate((5, 10), start=1):
        folder = stopped / "checkpoints" / f"iter_{iter:08d}"
        folder.mkdir(parents=True)
        (folder / "w").write_bytes(b"x")
        (folder / "manifest.json").write_text(f'{{"serial": {serial}, "files": {{"w": {{"size": 1}}}}}}')
    assert "goes on in its own directory from step 10" in told(opened(resume=stopped.name))
    at = opened(spec=RPN, weights=stopped.name)
    assert f"train.load_from={stopped}/checkpoints/iter_00000010" in command(at)
    assert "is no id of a run" in told(opened(spec=RPN, weights="../../etc"))


def test_the_deep_check_is_made_when_asked_for_and_told_for_this_very_plan(workspace, monkeypatch):
    lacking = Told(where="a.toml:3:6", path="data.train", message=f"{HOSTILE} does not exist", lacks=True)
    asked = []
    monkeypatch.setattr(check_result, "deep_check", lambda plan: asked.append(plan) or (lacking,))
    at = opened(spec=RPN)
    assert not asked
    button(at, "deep-check-button").click().run()
    assert [plan.argv for plan in asked] == [command(at)]
    assert f"This machine lacks something: a.toml:3:6: data.train: {HOSTILE} does not exist" in told(at)
    at.text_input(key="launch-name").set_value("other").run()
    assert "does not exist" not in told(at) and len(asked) == 1

    def broken(plan):
        raise ValueError("the check ended with exit code 1: no memory")

    monkeypatch.setattr(check_result, "deep_check", broken)
    button(at, "deep-check-button").click().run()
    assert "exit code 1: no memory" in told(at)


def test_a_request_in_the_url_that_is_none_is_replaced(workspace):
    at = opened(spec=RPN, request="../../x")
    assert not at.exception and at.query_params["request"] != "../../x"
    known = new_request()
    assert opened(spec=RPN, request=known).query_params["request"] == known
