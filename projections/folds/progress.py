"""How far a task is, and what its stages say about its state."""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.task_rows import StageRow, State

UNPLANNED_CAP = 5
RUNNING_CAP = 99


def percent(stages: Sequence[StageRow], before: int) -> int:
    """Share of finished work, 0-99; never less than `before`.

    At most 5 while no stage delivers: then a script is still to become the stages of a film.
    """
    total = done = 0
    cap = UNPLANNED_CAP
    for stage in stages:
        total += stage.work
        if stage.status == "completed":
            done += stage.work
        if stage.deliver:
            cap = RUNNING_CAP
    return max(before, done * cap // total if total else 0)


def running_state(stages: Sequence[StageRow]) -> State:
    """State of a task that is neither ended nor being stopped: the furthest any stage has come."""
    found = {stage.status for stage in stages}
    if found & {"processing", "completed"}:
        return "processing"
    if "dispatched" in found:
        return "dispatched"
    return "retrying" if "retrying" in found else "queued"
