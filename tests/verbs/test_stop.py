import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from specdet.cli import main
from specdet.runs.identity import Identity, processes_of
from specdet.runs.state import RunProcess, RunState, write_process, write_state
from tests.runs.launching import ended, owner_of, state_of, until

HOLDER = "import sys; from pathlib import Path; from specdet.runs.lock import RunLock; " \
    "lock = RunLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"  # fmt: skip


def test_a_run_is_stopped(launching, capsys):
    run = launching()
    assert main(["stop", run.name]) == 0
    assert capsys.readouterr().out.startswith(f"{run.name}: stop")
    assert ended(run).state == "stopped"
    assert main(["stop", "last"]) == 0  # there is nothing left to do
    assert capsys.readouterr().out == f"{run.name}: stopped: stopped at iter 3\n"


def test_stop_now_answers_when_it_is_over(launching, capsys):
    run = launching("deaf")
    assert main(["stop", run.name, "--now"]) == 0
    assert "stopped at once" in capsys.readouterr().out
    ended(run)


def test_a_run_that_does_not_answer_is_told(launching, monkeypatch, capsys):
    monkeypatch.setenv("SPECDET_STOP_GRACE", "60")
    run = launching("deaf")
    assert main(["stop", run.name, "--timeout", "0.3"]) == 1
    assert "no answer within 0.3 s" in capsys.readouterr().err
    assert state_of(run).state == "stopping"


def test_processes_without_a_supervisor_are_killed_when_asked(launching, capsys):
    run = launching("deaf")
    owner_of(run).signal(9)
    until(lambda: not owner_of(run).is_alive)
    assert main(["stop", run.name, "--now"]) == 0
    assert not list(processes_of(run.name))


@pytest.fixture
def unsupervised(launching, tmp_path):
    """A run in preparation that was started without a supervisor: (directory, its process)."""
    run = tmp_path / "runs/20260101-000000-x-1234"
    run.mkdir(parents=True)
    (run / "meta.json").write_text("{}")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run)], stdin=-1, stdout=-1, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    process.stdout.readline()
    owner = Identity.of(process.pid)
    assert owner is not None
    write_state(run, RunState(state="starting"))
    write_process(run, RunProcess(owner=owner, by="training"))
    yield run, process, owner
    process.kill()
    process.communicate()


def test_a_training_without_supervisor_is_told_by_a_signal_while_it_prepares(unsupervised, capsys):
    run, process, _ = unsupervised
    assert main(["stop", str(run)]) == 0
    assert process.wait() == -15


def test_a_number_that_is_used_again_is_no_reason_to_signal_a_stranger(unsupervised, capsys):
    run, process, owner = unsupervised
    write_process(run, RunProcess(owner=attrs.evolve(owner, start=owner.start - 1), by="training"))
    assert main(["stop", str(run), "--timeout", "0.3"]) == 1
    assert process.poll() is None
