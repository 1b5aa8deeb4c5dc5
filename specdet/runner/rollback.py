"""roll_back: a run goes back to its last checkpoint, and past what broke it."""

from typing import TYPE_CHECKING

from specdet.runner import resume as resuming
from specdet.runner.nonfinite import RollBack

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

MOST = 10  # times: what comes up again and again is not one bad batch


def roll_back(runner: "Runner", error: RollBack) -> None:
    """Give `runner` the state of its last checkpoint, or of the one that it was resumed from.

    Steps up to where it is now are guarded from then on.

    Raises:
        FloatingPointError: Where there is no checkpoint to go back to, or this has happened `MOST` times.
    """
    found_at, skipped = runner.iter, runner.progress.skipped_steps
    runner.nonfinite.rollbacks += 1
    if runner.nonfinite.rollbacks > MOST:
        raise FloatingPointError(f"{error} The run has gone back {MOST} times already") from error
    source = runner.last_checkpoint or (runner.resumed and runner.resumed.path)
    if source is None:
        raise FloatingPointError(f"{error} There is no checkpoint yet to go back to") from error
    resumed = resuming.resume(runner, source)
    resuming.restore_hooks(runner, resumed)
    runner.resumed = resumed
    runner.progress.guarded_until = found_at
    runner.progress.skipped_steps = max(skipped, runner.progress.skipped_steps)
    runner.log_buffer.clear()
    runner.recent_steps.clear()
    runner.log_window.restart(runner.iter)
    runner.exception = runner.failed_in = None
    for hook in runner.hooks:
        hook.rewind(runner)
    message = f"went back to iter {runner.iter}, and leaves out what is not finite up to iter {found_at}: {error}"
    runner.logger.warning(message)
    runner.tell("log", {"level": "warning", "message": message, "back_to": runner.iter})
