"""What the verbs do not say of starting runs; see tests/verbs/test_launch.py, test_resume.py and test_rerun.py."""

import pytest
import tomli

from specdet.experiment import load, resolved
from specdet.launching import (
    BusyError,
    launch_options,
    load_to_rerun,
    load_to_resume,
    load_to_start,
    name_override,
    options_to_resume,
    overrides_to_rerun,
    refuse_if_busy,
)
from specdet.runs.devices import Wish, take
from specdet.runs.launch_command import LaunchOptions
from specdet.spec import SpecError
from tests.runs.made import made
from tests.runs.test_devices import elsewhere

RPN = "specdet:rpn.toml"
TWO = ("GPU-a", "GPU-b")
BEFORE = LaunchOptions(
    wanted=Wish(names=("GPU-b",)), processes=1, waits=True, plugins=("/p.py",), overrides=("seed=3",), machines=2,
    machine_rank=1, main_address="node0:29500",
)  # fmt: skip


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SPECDET_DEVICES", "cpu")


def test_what_is_not_asked_is_as_before_but_for_what_belongs_to_one_attempt():
    options = launch_options(before=BEFORE, known=TWO)
    assert options == LaunchOptions(
        wanted=BEFORE.wanted, processes=1, waits=False, plugins=("/p.py",), overrides=(), machines=2, machine_rank=1,
        main_address="node0:29500",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "wanted", "processes"),
    [
        ({}, Wish(count=1), 1),
        ({"devices": "all"}, Wish(names=TWO), 2),
        ({"processes": 2, "before": BEFORE}, Wish(count=2), 2),  # the devices of before are not meant for so many
        ({"devices": "cpu", "processes": 3, "before": BEFORE}, Wish(names=("cpu",)), 3),
    ],
)
def test_devices_and_processes_go_together(asked, wanted, processes):
    options = launch_options(known=TWO, **asked)
    assert (options.wanted, options.processes) == (wanted, processes)


def test_plugins_are_kept_by_their_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert launch_options(plugins=["p.py"], known=TWO).plugins == (str(tmp_path / "p.py"),)
    assert launch_options(plugins=["p.py"], before=BEFORE, known=TWO).plugins == (str(tmp_path / "p.py"),)


def test_the_machine_is_asked_for_its_devices_unless_they_are_given():
    assert launch_options().wanted == Wish(names=("cpu",))
    with pytest.raises(ValueError, match="no one device 'GPU-a' here"):
        launch_options(devices="GPU-a")
    assert launch_options(devices="GPU-a", known=TWO).wanted == Wish(names=("GPU-a",))


@pytest.mark.parametrize(
    ("meta", "asked", "processes"),
    [
        ({"launch": BEFORE.to_table()}, {}, 1),
        ({"world_size": 3}, {}, 3),  # started by hand with accelerate
        ({"world_size": 3}, {"processes": 2}, 2),
        ({"world_size": 3}, {"devices": "cpu"}, 1),
        ({}, {}, 1),
    ],
)
def test_a_run_goes_on_with_as_many_processes_as_it_had(tmp_path, meta, asked, processes):
    assert options_to_resume(made(tmp_path, meta=meta), **asked).processes == processes


def test_the_text_of_an_editor_can_be_launched_before_it_is_saved(tmp_path):
    text = f'extends = ["{RPN}"]\nseed = 7\n'
    loaded = load_to_start(tmp_path / "unsaved.toml", text=text)
    assert (loaded.experiment.seed, loaded.composed.source) == (7, text)


def test_a_new_run_does_not_go_on_from_another_and_takes_its_weights_instead(tmp_path):
    checkpoint = made(tmp_path) / "checkpoints/iter_00000001"
    checkpoint.mkdir(parents=True)
    with pytest.raises(SpecError) as found:
        load_to_start(RPN, [f"train.resume_from={checkpoint}"])
    (problem,) = found.value.problems
    assert problem.path == "train.resume_from" and "`specdet resume`" in problem.message
    assert load_to_start(RPN, [f"train.load_from={checkpoint}"]).experiment.train.load_from == checkpoint


@pytest.fixture
def resumed(tmp_path):
    """A run whose spec says that it goes on from itself, as after a resume with changes."""
    run = made(tmp_path, state={"state": "stopped", "attempt": 2, "t": 1.0})
    (run / "spec.toml").write_text(resolved(load(RPN, [f"train.resume_from={run}"])))
    return run


def test_the_run_itself_may_go_on_and_a_repeated_one_begins_anew(resumed):
    assert load_to_resume(resumed, ["seed=4"]).experiment.train.resume_from == resumed
    assert overrides_to_rerun(resumed, ["seed=4"]) == ["~train.resume_from", "seed=4"]
    assert load_to_rerun(resumed, ["seed=4"]).experiment == load(RPN, ["seed=4"])
    (resumed / "spec.toml").write_text(resolved(load(RPN)))
    assert overrides_to_rerun(resumed, []) == []


@pytest.mark.parametrize("load_again", [load_to_resume, load_to_rerun])
def test_a_stored_spec_that_is_gone_or_broken_is_a_problem(resumed, load_again):
    for content in ("[", None):
        (resumed / "spec.toml").unlink()
        if content is not None:
            (resumed / "spec.toml").write_text(content)
        else:
            (resumed / "spec.toml").unlink(missing_ok=True)
        with pytest.raises(SpecError, match=r"spec\.toml"):
            load_again(resumed)
        (resumed / "spec.toml").touch()


def test_a_run_that_waits_is_not_refused_for_busy_devices(tmp_path):
    options = LaunchOptions(wanted=Wish(names=("cpu",)))
    refuse_if_busy(options)
    process = elsewhere(f"held = take(['cpu'], run=Path('{tmp_path}/20260101-120000-rpn-0001'))")
    try:
        with pytest.raises(BusyError, match=r"20260101-120000-rpn-0001.*--queue"):
            refuse_if_busy(options)
        refuse_if_busy(LaunchOptions(wanted=Wish(names=("cpu",)), waits=True))
    finally:
        process.communicate()
    held = take(["cpu"], run=tmp_path)
    assert held is not None
    held.release()


@pytest.mark.parametrize("name", ["rpn", 'my "run"', "a\\b", "Käse 日本", "\n"])
def test_a_name_arrives_as_it_is(name):
    assert tomli.loads(name_override(name)) == {"name": name}
