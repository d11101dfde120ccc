"""The legal transitions of tasks and stages; whatever is missing is illegal.

"unknown" is the state of what began before the first record that was read, and of what just did something illegal: the
next event tells the state, so that one wrong record is not reported with every later one.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

Table = MappingProxyType[str, dict[str, str]]

TASK: Final[Table] = MappingProxyType(
    {
        "none": {"TaskQueued": "open", "TaskRejected": "rejected"},
        "open": {
            "StagesPlanned": "open",
            "StageDispatched": "open",
            "StageStarted": "open",
            "StageCompleted": "open",
            "StageRetryScheduled": "open",
            "StageStopped": "halting",  # failed for good: the next event says so
            "TaskHeld": "held",
            "TaskCancelling": "ending",
            "TaskCompleted": "completed",
        },
        "held": {  # what runs goes on, nothing is dispatched
            "StagesPlanned": "held",
            "StageStarted": "held",
            "StageCompleted": "held",
            "StageRetryScheduled": "held",
            "StageStopped": "halting",
            "TaskReleased": "open",
            "TaskCancelling": "ending",
            "TaskCompleted": "completed",
        },
        "halting": {"TaskCancelling": "ending"},
        "ending": {
            "StageStopped": "ending",
            "TaskCancelled": "cancelled",
            "TaskFailed": "failed",
            "TaskExpired": "expired",
        },
        "rejected": {"TaskQueued": "open", "TaskRejected": "rejected"},  # asked again when the answer is forgotten
        "completed": {},
        "cancelled": {},
        "failed": {},
        "expired": {},
        "unknown": {
            "TaskQueued": "open",
            "TaskRejected": "rejected",
            "StagesPlanned": "unknown",
            "StageDispatched": "open",
            "StageStarted": "unknown",
            "StageCompleted": "unknown",
            "StageRetryScheduled": "unknown",
            "StageStopped": "unknown",
            "TaskHeld": "held",
            "TaskReleased": "open",
            "TaskCancelling": "ending",
            "TaskCompleted": "completed",
            "TaskCancelled": "cancelled",
            "TaskFailed": "failed",
            "TaskExpired": "expired",
        },
    }
)

STAGE: Final[Table] = MappingProxyType(
    {
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
        "unknown": {
            "StageDispatched": "dispatched",
            "StageStarted": "started",
            "StageCompleted": "completed",
            "StageRetryScheduled": "planned",
            "StageStopped": "stopped",
        },
    }
)

ON_DEVICE: Final = frozenset({"dispatched", "started"})
CLOSED: Final = frozenset({"rejected", "completed", "cancelled", "failed", "expired"})
