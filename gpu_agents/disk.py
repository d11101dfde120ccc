"""Telling a full disk, which another device or a later attempt may not have, from other failures."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the last one: a limit of the process
FULL = "disk_full"
UNUSABLE = "disk_unusable"
ROOM = 16 * 1024 * 1024  # bytes that a device must be able to write to be given work


class NoRoomError(Exception):
    """The device's own disk takes no working files: its work belongs elsewhere until it does. The message says why."""


def lack_of_room(folder: Path) -> str:
    """Why `ROOM` bytes cannot be written in the folder, "" if they can.

    They are allotted for a moment, because free space says nothing of quotas and limits.
    """
    probe = folder / ".room"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, ROOM)
        finally:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                probe.unlink()
    except OSError as error:
        return "the device's disk is full" if is_full(error) else f"the device cannot write its working files: {error}"
    return ""


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, says that there is no room left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__
    return False
