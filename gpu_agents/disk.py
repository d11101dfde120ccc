"""Telling a full disk, which another device or a later attempt may not have, from other failures."""

from __future__ import annotations

import errno

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the last one: a limit of the process
FULL = "disk_full"
UNUSABLE = "disk_unusable"


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, says that there is no room left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__
    return False
