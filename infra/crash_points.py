"""Named points at which a process can be made to die, so that a fault run reaches the moments that chance rarely hits.

Nothing happens unless `STORYREEL_CRASH_POINTS` names a folder. Who arms a point puts a file of the point's name there; the
first process that reaches it takes the file and ends by SIGKILL, as in a loss of power: no handler, no flush.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

FOLDER = "STORYREEL_CRASH_POINTS"
POINTS = (
    "api.before_produce",
    "api.after_produce",
    "coordinator.before_transaction",
    "coordinator.in_transaction",
    "coordinator.before_commit",
    "coordinator.after_commit",
    "read-models.before_apply",
    "read-models.in_transaction",
    "read-models.after_apply",
    "agent.after_command",
    "agent.after_upload",
    "agent.before_report",
    "agent.after_report",
    "render-child.in_render",
    "render-child.after_render",
)


def reach(point: str) -> None:
    """Die here if the point is armed. The file is renamed to `POINT.PID` first, which tells who died."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return
    armed = Path(folder) / point
    try:
        armed.rename(armed.with_name(f"{point}.{os.getpid()}"))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def arm(folder: Path, point: str) -> Path:
    """Arm a point; returns the file, which is gone once somebody died there. Raises `ValueError` for an unknown point."""
    if point not in POINTS:
        raise ValueError(f"unknown crash point {point!r}; there are {', '.join(POINTS)}")
    armed = folder / point
    armed.touch()
    return armed
