"""The legal transitions of tasks and stages, written down by hand from the description of the life of a task."""

from __future__ import annotations

TASK: dict[str, dict[str, str]] = {
    "none": {"TaskQueued": "open", "TaskRejected": "rejected"},
    "open": {
        "StagesPlanned": "open",
        "StageDispatched": "open",
        "StageStarted": "open",
        "StageCompleted": "open",
        "StageRetryScheduled": "open",
        "StageStopped": "halting",  # failed for good: the next event says so
        "TaskCancelling": "ending",
        "TaskCompleted": "completed",
        "TaskHeld": "held",
    },
    "held": {  # what runs goes on, nothing is dispatched
        "StagesPlanned": "held",
        "StageStarted": "held",
        "StageCompleted": "held",
        "StageRetryScheduled": "held",
        "StageStopped": "halting",
        "TaskCancelling": "ending",
        "TaskCompleted": "completed",
        "TaskReleased": "open",
    },
    "halting": {"TaskCancelling": "ending"},
    "ending": {
        "StageStopped": "ending",
        "TaskCancelled": "cancelled",
        "TaskFailed": "failed",
        "TaskExpired": "expired",
    },
    "rejected": {},
    "completed": {},
    "cancelled": {},
    "failed": {},
    "expired": {},
}
"""What each event does to a task; whatever is missing is illegal. The last five are terminal."""

STAGE: dict[str, dict[str, str]] = {
    "planned": {"StageDispatched": "dispatched"},
    "dispatched": {
        "StageStarted": "started",
        "StageCompleted": "completed",
        "StageRetryScheduled": "planned",
        "StageStopped": "stopped",
    },
    "started": {"StageCompleted": "completed", "StageRetryScheduled": "planned", "StageStopped": "stopped"},
    "completed": {},
    "stopped": {},
}
"""The same for a stage."""

ON_DEVICE = frozenset({"dispatched", "started"})
CLOSED = frozenset({"rejected", "completed", "cancelled", "failed", "expired"})
