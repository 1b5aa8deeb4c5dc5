import json
import os
import subprocess
import sys
import time

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specdet.runs.identity import Identity
from specdet.runs.status import STATES, RunStatus, live_runs, read_status
from tests.runs.made import made, owned

NOW = 2_000_000.0
HERE = os.uname().nodename
FILES = ("state", "meta", "progress", "proc", "end", "user")


def status_of(directory, *, now=NOW, marks=None) -> RunStatus:
    return read_status(directory, now=now, marks=lambda: marks or {})


def process(**owner):
    return {"by": "supervisor", "owner": {**attrs.asdict(Identity.own()), "pid": 2**22 + 1, **owner}}


@pytest.mark.parametrize("state", ["queued", "starting", "running", "stopping"])
def test_what_the_owner_says_holds_while_it_lives(tmp_path, state):
    directory = made(tmp_path, state={"state": state, "attempt": 2, "t": NOW})
    with owned(directory):
        found = status_of(directory)
        assert (found.state, found.attempt, found.is_alive, found.settled) == (state, 2, True, False)
    found = status_of(directory)
    assert (found.state, found.is_alive, found.settled) == ("lost", False, True)
    assert f"it was {state}" in found.why and "resume" in found.why


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"state": "finished"}, ""),
        ({"state": "stopped", "reason": "user"}, "it was asked to stop"),
        ({"state": "failed", "reason": "signal", "signal": "SIGKILL"}, "a signal ended it (SIGKILL)"),
        ({"state": "failed", "reason": "exit", "exit_code": 3}, "its process ended with an error (exit code 3)"),
        ({"state": "failed", "reason": "oom"}, "it ran out of memory"),
        ({"state": "failed", "reason": "error", "message": "no such file"}, "no such file"),
    ],
)
def test_a_run_that_ended_says_how(tmp_path, table, why):
    found = status_of(made(tmp_path, state={"attempt": 1, "t": 5.0, **table}))
    assert (found.state, found.why, found.settled, found.is_alive) == (table["state"], why, True, False)


def test_a_table_shows_all_that_is_known(tmp_path):
    directory = made(
        tmp_path,
        state={"state": "finished", "attempt": 3, "t": 1500.0},
        progress={"t": 1499.0, "phase": "finished", "iter": 90, "max_iters": 100, "epoch": 3, "max_epochs": 4,
                  "eta_s": 5.0, "last": {"loss": None, "bbox/AP": 0.3},
                  "best": {"bbox/AP": {"value": 0.4, "iter": 80}}},
        proc={**process(), "devices": ["GPU-1", "GPU-2"]},
        meta={"name": "mine", "created": 1400.0, "parent": "other"},
        user={"note": "good", "tags": ["a", "b"], "star": True, "archived": True, "name": "shown"},
    )  # fmt: skip
    assert status_of(directory) == RunStatus(
        id=directory.name, name="shown", state="finished", attempt=3, iter=90, max_iters=100, epoch=3, max_epochs=4,
        last={"loss": None, "bbox/AP": 0.3}, best={"bbox/AP": 0.4}, best_iter={"bbox/AP": 80}, created=1400.0,
        updated=1500.0, host=HERE, devices=("GPU-1", "GPU-2"), parent="other", tags=("a", "b"), star=True, note="good",
        archived=True, settled=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("speed", "silent", "state"),
    [(1.0, 119, "running"), (1.0, 121, "stalled"), (0.1, 199, "running"), (0.1, 201, "stalled"), (0.0, 121, "stalled")],
)
def test_a_run_without_steps_for_120_s_or_20_steps_is_stalled(tmp_path, speed, silent, state):
    directory = made(
        tmp_path,
        state={"state": "running", "attempt": 1, "t": NOW - 5000},
        progress={"t": NOW - silent, "phase": "train", "iters_per_s": speed, "iter": 5, "max_iters": 9, "eta_s": 4.0},
    )
    with owned(directory):
        found = status_of(directory)
    assert (found.state, found.phase) == (state, "train")
    assert (found.eta_s == 4.0) == (state == "running")


def test_a_heartbeat_of_an_earlier_attempt_is_no_stall(tmp_path):
    directory = made(
        tmp_path, state={"state": "running", "attempt": 2, "t": NOW - 10}, progress={"t": NOW - 5000, "attempt": 1}
    )
    with owned(directory):
        assert status_of(directory).state == "running"


def test_marked_processes_without_owner_are_orphans(tmp_path):
    directory = made(tmp_path, state={"state": "running", "attempt": 1, "t": NOW})
    assert status_of(directory, marks={directory.name: {str(directory)}}).state == "orphaned"
    assert status_of(directory, marks={directory.name: {str(tmp_path / "moved away")}}).state == "orphaned"
    assert status_of(directory, marks={directory.name: {str(tmp_path)}}).state == "lost", "those of a copy"
    assert status_of(directory, marks={"another": {str(directory)}}).state == "lost"


def test_a_process_is_found_by_its_mark(tmp_path):
    directory = made(tmp_path, state={"state": "running", "attempt": 1, "t": NOW})
    marked = {"SPECDET_RUN_ID": directory.name, "SPECDET_RUN_DIR": str(directory)}
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        env={**os.environ, **marked}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        child.stdout.readline()
        assert live_runs()[directory.name] == {str(directory)}
        assert read_status(directory).state == "orphaned"
    finally:
        child.kill()
        child.wait()
    assert directory.name not in live_runs()
    assert read_status(directory).state == "lost"
    child.communicate()


def test_a_number_that_another_process_has_now_is_not_the_owner(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        living = Identity.of(child.pid)
        assert living is not None
        said = {"state": "running", "attempt": 1, "t": NOW}
        directory = made(tmp_path, state=said, proc={"by": "supervisor", "owner": attrs.asdict(living)})
        assert status_of(directory).state == "orphaned"
        earlier = attrs.evolve(living, start=living.start - 1)
        (directory / "proc.json").write_text(json.dumps({"by": "supervisor", "owner": attrs.asdict(earlier)}))
        assert status_of(directory).state == "lost"
    finally:
        child.communicate()


def test_a_restarted_machine_is_named(tmp_path):
    directory = made(tmp_path, state={"state": "running", "attempt": 1, "t": NOW}, proc=process(boot="an earlier one"))
    found = status_of(directory)
    assert found.state == "lost" and "started anew" in found.why


@pytest.mark.parametrize(
    ("state", "silent", "expected"),
    [("running", 60, "remote"), ("running", 121, "lost"), ("queued", 3600, "remote"), ("queued", 100_000, "lost")],
)
def test_on_another_machine_the_heartbeat_tells(tmp_path, state, silent, expected):
    directory = made(
        tmp_path,
        state={"state": state, "attempt": 1, "t": NOW - silent}, proc=process(host="elsewhere"),
        progress={"t": NOW - silent, "iters_per_s": 2.0},
    )  # fmt: skip
    found = status_of(directory, marks={directory.name: {str(directory)}})
    assert (found.state, found.settled) == (expected, False)
    assert "elsewhere" in found.why


def test_a_run_that_was_just_made_is_not_lost(tmp_path):
    directory = made(tmp_path, meta={"name": "x", "created": NOW - 2})
    assert (status_of(directory).state, status_of(directory).settled) == ("queued", False)
    assert status_of(directory, now=NOW + 60).state == "lost"


def test_the_trainings_own_account_counts_where_its_owner_gave_none(tmp_path):
    said = {"state": "running", "attempt": 2, "t": NOW}
    account = {"attempt": 2, "outcome": "stopped", "reason": "orphaned", "message": "", "checkpoint": ""}
    found = status_of(made(tmp_path, state=said, end=account))
    assert (found.state, found.why) == ("stopped", "its supervisor was gone, so it stopped")
    assert (
        status_of(made(tmp_path, "20260101-120000-rpn-0002", state=said, end={**account, "attempt": 1})).state == "lost"
    )


def test_who_owns_a_run_may_ask_for_its_status_and_keeps_the_lock(tmp_path):
    directory = made(tmp_path, state={"state": "running", "attempt": 1, "t": NOW})
    code = """
import attrs, json, sys
from pathlib import Path
from specdet.runs.identity import Identity
from specdet.runs.lock import RunLock
from specdet.runs.status import read_status
directory = Path(sys.argv[1])
lock = RunLock(directory)
(directory / "proc.json").write_text(json.dumps({"by": "training", "owner": attrs.asdict(Identity.own())}))
print(read_status(directory).state, flush=True)
input()
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "running\n"
        assert status_of(directory).state == "running"
    finally:
        owner.communicate("\n")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["torn", "number", "folder", "pipe", "bytes", "deep"])
def test_a_damaged_file_is_a_state_and_a_sentence(tmp_path, name, kind):
    directory = made(tmp_path, state={"state": "running", "attempt": 1, "t": NOW})
    path = directory / f"{name}.json"
    path.unlink(missing_ok=True)
    match kind:
        case "torn":
            path.write_text('{"v": 1, "state": "runn')
        case "number":
            path.write_text("7")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "bytes":
            path.write_bytes(b"\xff\x00{")
        case "deep":
            path.write_text("[" * 100_000)
    found = status_of(directory)
    assert found.state == "lost"
    if name in ("state", "meta", "progress", "user"):
        assert f"{name}.json" in found.why


def test_a_missing_or_empty_directory_is_lost(tmp_path):
    for directory in (tmp_path / "gone", tmp_path):
        found = status_of(directory)
        assert found.state == "lost" and found.why


keys = st.sampled_from(
    ["state", "attempt", "t", "reason", "message", "exit_code", "signal", "phase", "iter", "eta_s", "last", "best",
     "value", "iters_per_s", "owner", "launcher", "host", "boot", "pid", "start", "outcome", "name", "created", "id",
     "tags", "star", "note", "devices"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
said = st.dictionaries(keys, values | st.sampled_from(["running", "queued", "failed", HERE]), max_size=12)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=st.fixed_dictionaries({}, optional={name: said for name in FILES}))
def test_whatever_versions_have_written_nothing_is_raised(tmp_path, tables):
    for name in FILES:
        (tmp_path / f"{name}.json").unlink(missing_ok=True)
    for name, table in tables.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(table))
    found = status_of(tmp_path)
    assert found.state in STATES
    attributes = attrs.asdict(found)
    assert all(isinstance(attributes[name], str) for name in ("id", "name", "why", "phase", "host", "note"))
    assert isinstance(found.created, float | int) and isinstance(found.iter, int)


def test_a_status_is_taken_in_no_time_from_a_run_that_ended(tmp_path):
    """A list of thousands must not look at the processes of the machine for each."""

    def never():
        raise AssertionError("asked for processes")

    directory = made(tmp_path, state={"state": "finished", "attempt": 1, "t": time.time()})
    assert read_status(directory, marks=never).state == "finished"
