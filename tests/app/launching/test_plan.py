import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.launching import plan as plans
from app.launching.plan import Plan, said_twice
from app.launching.subject import Subject, subject_of
from app.security.roots import Roots
from specdet import cli, launching
from specdet.experiment import load
from tests.runs.launching import LONG, ended, state_of
from tests.runs.made import made

HOSTILE = "a; rm -rf $(x) `y` 'q' \"z\" && | > ~ \\ --queue"


@pytest.fixture
def told(workspace, monkeypatch):
    """The calls of what starts runs: by the verbs, and by the app."""
    calls = []

    def recorded(name):
        def call(*arguments, options, via="cli", **more):
            calls.append((name, arguments, options))
            return workspace

        return call

    for name in ("start", "resume", "rerun"):
        monkeypatch.setattr(launching, name, recorded(name))
        monkeypatch.setattr(plans, name, recorded(name))
    return calls


def plan_for(verb, workspace, **settings):
    run = workspace / "runs/20260101-120000-rpn-0001"
    if not run.exists():
        made(workspace / "runs", run.name, state={"state": "stopped", "attempt": 1, "t": 1.0})
    subject = {
        "launch": Subject(verb="launch", name="specdet:rpn.toml", path=run),
        "resume": Subject(verb="resume", name=run.name, path=run),
        "rerun": Subject(verb="rerun", name=run.name, path=run),
    }[verb]
    return Plan(subject=subject, **settings)


@pytest.mark.parametrize("verb", ["launch", "resume", "rerun"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"processes": 2, "waits": True},
        {"devices": "cpu", "seed": 0, "precision": "bf16", "load_from": "/a folder/$HOME/iter_1"},
        {"changes": ("optimizer.lr=3e-4", "~hooks.log", f"name={HOSTILE}")},
        {"name": HOSTILE},
        {"name": "--queue", "changes": ('hooks."a=b".type=TextLog',)},
    ],
)
def test_the_button_calls_what_the_command_calls(told, workspace, verb, settings):
    plan = plan_for(verb, workspace, **settings)
    plan.begin()
    words = shlex.split(shlex.join(plan.argv))  # as a shell would read what is shown
    assert words == plan.argv and words[0] == "specdet" and words[-1] == "--detach"
    cli.main(words[1:])
    ours, theirs = told
    assert ours == theirs


@given(name=st.text(st.characters(exclude_categories=["C"]), min_size=1), value=st.text(max_size=20))
def test_no_text_leaves_its_argument(name, value):
    subject = Subject(verb="launch", name="specdet:rpn.toml", path=None)
    plan = Plan(subject=subject, name=name, changes=(f"data.root={value}",))
    words = shlex.split(shlex.join(plan.argv))
    assert words == ["specdet", "launch", "specdet:rpn.toml", f"data.root={value}", f"--name={name}", "--detach"]


def test_a_run_that_is_begun_says_that_the_app_began_it(launching, monkeypatch, workspace):
    monkeypatch.setenv("FAKE", "finish")
    subject = subject_of({"spec": "specdet:rpn.toml"}, roots=Roots.here())
    run = Plan(subject=subject, name=HOSTILE, seed=3, processes=2, changes=("optimizer.lr=0.5",)).begin()
    ended(run, seconds=LONG)
    meta = json.loads((run / "meta.json").read_text())
    assert (meta["via"], meta["name"], meta["launch"]["processes"]) == ("gui", HOSTILE, 2)
    assert load(run / "spec.toml").optimizer.lr == 0.5
    again = Plan(subject=subject_of({"rerun": run.name}, roots=Roots.here()), seed=4).begin()
    ended(again, seconds=LONG)
    meta = json.loads((again / "meta.json").read_text())
    assert (meta["via"], meta["parent"], meta["seed"], meta["launch"]["processes"]) == ("gui", run.name, 4, 2)


def test_a_run_is_resumed_in_its_directory(launching, monkeypatch, workspace):
    monkeypatch.setenv("FAKE", "finish")
    run = Plan(subject=subject_of({"spec": "specdet:rpn.toml"}, roots=Roots.here())).begin()
    ended(run, seconds=LONG)
    plan = Plan(subject=subject_of({"resume": run.name}, roots=Roots.here()), changes=("train.max_epochs=99",))
    assert plan.begin() == run
    ended(run, seconds=LONG)
    assert state_of(run).attempt == 2


@pytest.mark.parametrize(
    ("settings", "known", "says", "not_says"),
    [
        ({}, ("cpu",), ["ACCELERATE_USE_CPU=true", "--cpu", "CUDA_VISIBLE_DEVICES="], ["--multi_gpu"]),
        ({"processes": 2}, ("cpu",), ["--multi_gpu", "--num_processes"], ["--cpu"]),
        ({"processes": 2}, ("GPU-a", "GPU-b", "GPU-c"), ["CUDA_VISIBLE_DEVICES=GPU-a,GPU-b"], ["--cpu"]),
        ({"devices": "2"}, ("GPU-a", "GPU-b", "GPU-c"), ["CUDA_VISIBLE_DEVICES=GPU-c"], ["ACCELERATE_USE_CPU=true"]),
    ],
)
def test_accelerate_alone_is_told_the_same(workspace, settings, known, says, not_says):
    plan = plan_for("launch", workspace, changes=("seed=3",), **settings)
    argv = plan.without_supervisor(plan.options(known=known), known=known)
    assert argv[argv.index("accelerate") :][:2] == ["accelerate", "launch"]
    assert argv[argv.index("-m") :] == ["-m", "specdet.train", "specdet:rpn.toml", "seed=3"]
    assert {*says} <= {*argv} and not {*not_says} & {*argv}


def test_what_is_said_by_a_field_and_a_change_is_found(workspace):
    plan = plan_for("launch", workspace, seed=1, name="x")
    assert said_twice(["seed=2", "~name", "optimizer.lr=1", "seeds=3"], plan) == ["seed=2", "~name"]
