"""Failure: how a training failed, in words for people."""

import errno
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from specdet.exit_codes import WRONG_MACHINE, WRONG_SPEC, exit_code
from specdet.runs.files import DISK_IS_FULL
from specdet.runs.state import Reason
from specdet.spec import SpecError

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

OUT_OF_MEMORY = re.compile(
    r"DefaultCPUAllocator|not enough memory|Cannot allocate memory|bad_alloc|"
    r"CUDA error: out of memory|STATUS_ALLOC_FAILED|"
    r"could not (create|execute) a (primitive|memory)",  # oneDNN, which computes on CPUs, says no more of it
    re.I,
)
# What torch says of a process of a DataLoader that is gone.
LOST_WORKER = re.compile(r"DataLoader worker \(pid(\(s\))? [\d, ]+\) (exited unexpectedly|is killed by signal: [^.]*)")
LOST_CONNECTION = re.compile(r"gloo|NCCL|Connection (closed|reset) by (remote )?peer|Broken pipe|TCPStore", re.I)


@attrs.frozen(kw_only=True)
class Failure:
    """What ended a training that was to go on.

    Attributes:
        reason, message: As in `RunState`.
        exit_code: Of the process.
        is_own: Whether it may have befallen one process alone, where others fail in the same way together.
        is_bug: Whether only its traceback tells what to do.
        is_elsewhere: Whether it is the consequence of what befell another process of the same training.
    """

    reason: Reason
    message: str
    exit_code: int
    is_own: bool = False
    is_bug: bool = False
    is_elsewhere: bool = False


def failure_of(error: BaseException, *, runner: "Runner | None", directory: Path | None) -> Failure:
    """What an exception means.

    Args:
        error: Came out of a training.
        runner: Where there was one already.
        directory: The run directory, where there was one already.
    """
    where = _where(runner)
    if isinstance(error, SpecError):
        message = "\n".join(map(str, error.problems))
        return Failure(reason="error", message=message, exit_code=exit_code(error.problems))
    if isinstance(error, FloatingPointError):
        return Failure(reason="nan", message=str(error), exit_code=WRONG_SPEC)
    if is_out_of_memory(error):
        from specdet.training_memory import out_of_memory  # torch, which a training that came so far has loaded

        message = out_of_memory(error, where=where, runner=runner)
        return Failure(reason="oom", message=message, exit_code=WRONG_MACHINE, is_own=True)
    if lost := LOST_WORKER.search(str(error)):
        message = (
            f"a process that loads images ended {where} ({lost[0]}). Most often memory ran out: try fewer of them "
            "(data.workers_per_device), or 0, where the trainer loads by itself and an error of its own is seen. A bus "
            "error says that /dev/shm is too small"
        )
        return Failure(reason="error", message=message, exit_code=WRONG_MACHINE, is_own=True)
    if _is_lost_connection(error):
        message = f"another process of this training ended {where}; what befell it stands in its own lines"
        return Failure(reason="error", message=message, exit_code=WRONG_MACHINE, is_elsewhere=True)
    if isinstance(error, OSError):
        message = _about_files(error, where, directory)
        return Failure(reason="error", message=message, exit_code=WRONG_MACHINE, is_own=True)
    if isinstance(error, ValueError) and _is_ours(error):
        return Failure(reason="error", message=str(error), exit_code=WRONG_SPEC)
    from specdet.data.images import UnreadableImage

    if isinstance(error, UnreadableImage):  # raised anew in torch, where it comes from a loader process
        return Failure(reason="error", message=str(error), exit_code=WRONG_SPEC)
    message = f"{type(error).__name__} {where}: {error}"
    return Failure(reason="error", message=message, exit_code=WRONG_SPEC, is_bug=True)


def _where(runner: "Runner | None") -> str:
    phase = runner.failed_in if runner is not None else None
    if runner is None or phase is None:
        return "while the training was prepared"
    doing = {"train": "in training", "eval": "in evaluation", "save": "while a checkpoint was written"}
    return f"{doing.get(phase, phase)}, after iter {runner.iter}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether something could not be allocated, on a device or in host memory."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):  # a fork or a mapping that fails
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and bool(OUT_OF_MEMORY.search(str(error)))


def _is_lost_connection(error: BaseException) -> bool:
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return False
    if isinstance(error, torch.distributed.DistError):
        return True
    return isinstance(error, RuntimeError) and bool(LOST_CONNECTION.search(str(error)))


def _about_files(error: OSError, where: str, directory: Path | None) -> str:
    if directory is not None and not directory.is_dir():
        return (
            f"the run directory {directory} is gone, so that nothing can be saved: it was moved or deleted {where}; "
            "where it is now, it can be gone on from with train.resume_from"
        )
    if error.errno in DISK_IS_FULL:
        place = error.filename or directory or "a file"
        return f"the disk is full: {place} could not be written {where}; make room, then resume the run"
    return f"{error.filename}: {error.strerror} ({where})" if error.filename else str(error)


def _is_ours(error: BaseException) -> bool:
    """Whether specdet raised an error, which then says what to do; a bug or a library's error keeps its traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").split(".")[0] in ("specdet", "__main__")
