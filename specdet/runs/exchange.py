"""Exchanging two files or folders in one step, so that neither name is ever without one."""

import ctypes
import errno
import os
from pathlib import Path

HERE = -100  # AT_FDCWD: paths that are not absolute begin at the working directory
EXCHANGE = 2  # RENAME_EXCHANGE
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def exchange(one: Path, other: Path) -> bool:
    """Let two existing paths of one file system have each other's name.

    Returns:
        False where the system or the file system cannot do that in one step (others than Linux, NFS); nothing is
        changed then.

    Raises:
        OSError: Where it can, but fails.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if renameat2 is None:
        return False
    if renameat2(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
