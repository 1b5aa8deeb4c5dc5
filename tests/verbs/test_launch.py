import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specdet.cli import main
from specdet.experiment import load
from specdet.runs.control import ask
from specdet.runs.directory import runs_root
from specdet.spec.compose import shipped_specs
from tests.runs.launching import SUPERVISOR, ended, state_of, until

RPN = "specdet:rpn.toml"
CLI = f"""
import sys
from specdet.runs import submit
submit.SUPERVISOR = {SUPERVISOR!r}
from specdet.cli import main
sys.exit(main(sys.argv[1:]))
"""
ROOT = Path(__file__).parents[2]


def only_run() -> Path:
    (run,) = runs_root().iterdir()
    return run


def shell(*arguments: str, **options) -> subprocess.Popen:
    """`specdet` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", CLI, *arguments], stderr=subprocess.PIPE, text=True, cwd=ROOT,
        # A shell that runs the tests in the background has them ignore Ctrl-C, and what they start inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **{"stdout": subprocess.PIPE, **options},
    )  # fmt: skip


def test_a_run_is_launched_and_followed(launching, monkeypatch, capsys):
    monkeypatch.setenv("FAKE", "finish")
    assert main(["launch", RPN, "seed=3", "--processes", "2", "--name", 'my "run"']) == 0
    run = only_run()
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == run.name
    assert said.out.splitlines()[-1] == f"{run.name}: finished"
    assert sorted(line[:6] for line in said.out.splitlines()[1:-1]) == ["rank 0", "rank 1"]
    assert load(run / "spec.toml") == load(RPN, ["seed=3", 'name="my \\"run\\""'])
    assert (run / "spec.source.toml").read_text() == (shipped_specs() / "rpn.toml").read_text()
    meta = json.loads((run / "meta.json").read_text())
    assert (meta["name"], meta["seed"], meta["launch"]["wanted"]) == ('my "run"', 3, {"names": ["cpu"]})
    ended(run)


def test_a_detached_run_says_its_id_and_goes_on(launching, capsys):
    assert main(["launch", RPN, "--processes", "2", "--detach"]) == 0
    run = only_run()
    assert capsys.readouterr().out == f"{run.name}\n"
    launching.until_ready(run)
    ask(run, "stop")
    assert ended(run).state == "stopped"


def test_a_run_that_fails_says_why(launching, monkeypatch, capsys):
    monkeypatch.setenv("FAKE", "fail")
    assert main(["launch", RPN]) == 1
    assert capsys.readouterr().err.splitlines()[-2:] == [
        f"{only_run().name}: failed: ValueError: it is broken",
        f"the whole log: {only_run() / 'out.log'}",
    ]


def test_what_is_wrong_is_said_before_a_run_is_made(launching, capsys):
    wrong = [
        (["launch", RPN, "seeed=3"], 1, "seeed: a spec has no such key"),
        (["launch", RPN, "data.root=/nowhere"], 3, "data.root: the folder /nowhere does not exist"),
        (["launch", RPN, "train.load_from=/nowhere.pth"], 3, "train.load_from: /nowhere.pth does not exist"),
        (["launch", RPN, "--devices", "7"], 2, "no one device '7' here"),
        (["launch", RPN, "--processes", "0"], 2, "at least one process"),
        (["launch", RPN, "--machines", "2"], 2, "give HOST:PORT"),
    ]
    for arguments, code, says in wrong:
        assert main(arguments) == code
        assert says in capsys.readouterr().err
    assert not runs_root().exists()


def test_busy_devices_are_told_with_who_has_them(launching, capsys):
    first = launching()
    assert main(["launch", RPN]) == 1
    said = capsys.readouterr().err
    assert said == f"the devices are busy with {first.name}: stop that, or wait for it with --queue\n"
    assert [*runs_root().iterdir()] == [first]


def test_a_folder_that_cannot_be_written_to_is_one_sentence(launching, monkeypatch, capsys):
    (launching.folder / "file").touch()
    monkeypatch.setenv("SPECDET_RUNS", str(launching.folder / "file/runs"))
    assert main(["launch", RPN]) == 1
    assert capsys.readouterr().err == f"{launching.folder}/file/runs: Not a directory\n"


def test_a_supervisor_that_does_not_start_is_told(launching, monkeypatch, capsys):
    from specdet.runs import submit

    monkeypatch.setattr(submit, "SUPERVISOR", (sys.executable, "-c", "raise SystemExit('no room')"))
    assert main(["launch", RPN]) == 3
    assert capsys.readouterr().err.endswith("did not start: no room\n")


@pytest.mark.parametrize(("fake", "presses"), [("", 1), ("deaf", 2)])
def test_ctrl_c_asks_to_stop_and_save_and_again_to_stop_now(launching, monkeypatch, fake, presses):
    monkeypatch.setenv("FAKE", fake)
    monkeypatch.setenv("SPECDET_STOP_GRACE", "2")
    with shell("launch", RPN, "--processes", "2") as process:
        assert process.stdout is not None
        run = runs_root() / process.stdout.readline().strip()
        launching.until_ready(run)
        for press in range(presses):
            process.send_signal(signal.SIGINT)
            until(lambda press=press: len(list((run / "control").rglob("*.json"))) > press)
        out, err = process.communicate()
    assert process.returncode == 76
    assert out.splitlines()[-1].startswith(f"{run.name}: stopped")
    assert err.count("stopping, with a checkpoint") == 1
    assert err.count("stopping at once") == presses - 1
    assert state_of(run).state == "stopped"


def test_a_terminal_shows_a_bar(launching, monkeypatch):
    monkeypatch.setenv("FAKE", "finish")
    monkeypatch.setenv("TERM", "xterm")
    master, slave = pty.openpty()
    with shell("launch", RPN, stdout=slave) as process:
        process.communicate()
    os.close(slave)
    shown = ""
    try:
        while part := os.read(master, 10_000):
            shown += part.decode()
    except OSError:  # nobody writes there any more
        os.close(master)
    assert process.returncode == 0
    assert "3/9" in shown
    assert "rank 0" not in shown
