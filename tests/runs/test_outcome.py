import signal

import pytest

from specdet.runs.end import End
from specdet.runs.outcome import LINES, Remains, classify, tail


def ending(**facts):
    """State, reason and signal of what is left."""
    remains = {"attempt": 1, "end": None, "exit_code": 1, **facts}
    state = classify(Remains(**remains))
    return state.state, state.reason, state.signal


def end(outcome, reason="", message=""):
    return End(attempt=1, outcome=outcome, reason=reason, message=message)


KILLED = ["E1124 13:00:00.000 7 api.py:1003] failed (exitcode: -9) local_rank: 1 (pid: 9) of binary: python"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"end": end("finished"), "exit_code": 0}, ("finished", "", "")),
        ({"end": end("finished"), "exit_code": 1}, ("finished", "", "")),  # it fell over after its last word
        ({"end": end("stopped", "user")}, ("stopped", "user", "")),
        ({"end": end("stopped", "signal"), "asked": "stop", "sent": frozenset({"SIGTERM"})}, ("stopped", "user", "")),
        ({"end": end("stopped", "signal")}, ("stopped", "signal", "")),  # a scheduler's
        ({"end": end("failed", "nan")}, ("failed", "nan", "")),
        ({"end": end("failed", "error"), "asked": "stop"}, ("failed", "error", "")),
        # A rank that dies takes the others with it, and what these say of it is not why.
        (
            {"end": end("failed", "error", "connection closed by peer"), "lines": KILLED},
            ("failed", "signal", "SIGKILL"),
        ),
        ({"end": end("stopped", "signal", "SIGTERM"), "lines": KILLED}, ("failed", "signal", "SIGKILL")),
        ({"end": end("stopped", "user"), "lines": KILLED}, ("stopped", "user", "")),  # when it had said all
        ({"lines": KILLED, "oom_kills": 1}, ("failed", "oom", "SIGKILL")),
        ({"exit_code": -signal.SIGSEGV}, ("failed", "signal", "SIGSEGV")),
        ({"exit_code": -40}, ("failed", "signal", "signal 40")),
        # What we sent ourselves is no failure; what we did not is one, also of a run that was asked to stop.
        ({"lines": KILLED, "asked": "stop", "sent": frozenset({"SIGKILL"})}, ("stopped", "user", "SIGKILL")),
        ({"exit_code": -9, "asked": "stop_now", "sent": frozenset({"SIGKILL"})}, ("stopped", "user", "SIGKILL")),
        ({"exit_code": -11, "asked": "stop", "sent": frozenset({"SIGTERM"})}, ("failed", "signal", "SIGSEGV")),
        ({"exit_code": 76, "asked": "stop"}, ("stopped", "user", "")),
        ({"exit_code": 1, "asked": "stop"}, ("failed", "exit", "")),
        ({"lines": ["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"]}, ("failed", "oom", "")),
        ({"exit_code": 0}, ("failed", "exit", "")),
        ({"exit_code": 0, "follows": True}, ("finished", "", "")),
        (
            {"moved": True, "exit_code": -9, "asked": "stop_now", "sent": frozenset({"SIGKILL"})},
            ("failed", "error", ""),
        ),
        ({"full": True}, ("failed", "error", "")),
    ],
)
def test_how_it_ended(facts, expected):
    assert ending(**facts) == expected


def test_the_exit_code_is_that_of_the_rank():
    lines = ["spec.toml:3:1: seeed: no such key", "Traceback (most recent call last):",
             '  File "/x/accelerate/commands/launch.py", line 1, in <module>',
             "subprocess.CalledProcessError: Command '['python']' returned non-zero exit status 3."]  # fmt: skip
    state = classify(Remains(attempt=2, end=None, exit_code=1, lines=lines))
    assert (state.attempt, state.exit_code, state.message) == (2, 3, "spec.toml:3:1: seeed: no such key")
    assert state.last_lines == ("spec.toml:3:1: seeed: no such key",)


def test_a_traceback_of_the_training_is_kept():
    lines = [
        "Traceback (most recent call last):",
        '  File "/x/model.py", line 7',
        "RuntimeError: shapes differ",
        *KILLED,
    ]
    state = classify(Remains(attempt=1, end=end("failed", "error", "shapes differ"), exit_code=1, lines=lines[:3]))
    assert (state.message, state.last_lines) == ("shapes differ", tuple(lines[:3]))


def test_stopping_before_the_first_step_lost_nothing():
    facts = {"attempt": 1, "end": None, "exit_code": -9, "asked": "stop", "sent": frozenset({"SIGKILL"})}
    assert "anything to save" in classify(Remains(**facts, trained=False)).message
    assert "is lost" in classify(Remains(**facts, trained=True)).message


def test_the_tail_of_a_log_is_that_of_the_attempt(tmp_path):
    log = tmp_path / "out.log"
    assert tail(log) == []
    log.write_bytes(b"first\n" + b"second \xff\n")
    assert tail(log, start=6) == ["second �"]
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert tail(log)[-1] == "line 99999"
    assert all(line.startswith("line ") for line in tail(log))  # none of them is a half
    state = classify(Remains(attempt=1, end=None, exit_code=1, lines=tail(log)))
    assert len(state.last_lines) == LINES
