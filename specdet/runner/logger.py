"""The logger of a run."""

import logging
import sys
from typing import TextIO

NAME = "specdet"


class _StandardError(logging.StreamHandler):
    """Writes to what sys.stderr is at the time of writing, which a progress bar replaces while it is shown."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr


def get_root_logger(log_level: int | str = logging.INFO, *, rank: int = 0, world_size: int = 1) -> logging.Logger:
    """The logger "specdet": the main rank from `log_level` up, the others only errors; asking again adds no handler.

    Args:
        rank, world_size: With more than one process each line names its rank.
    """
    logger = logging.getLogger(NAME)
    if not any(isinstance(handler, _StandardError) for handler in logger.handlers):
        logger.addHandler(_StandardError())
    where = f" [rank {rank}]" if world_size > 1 else ""
    for handler in logger.handlers:
        if isinstance(handler, _StandardError):
            handler.setFormatter(
                logging.Formatter(f"%(asctime)s %(levelname)s{where} %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
            )
    logger.setLevel(log_level if rank == 0 else logging.ERROR)
    logger.propagate = False
    return logger
