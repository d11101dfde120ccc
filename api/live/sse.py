"""Server-sent events (WHATWG HTML, section 9.2): the frames of a task's stream."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from projections.folds.task_events import TaskEventRow
from schemas.render import StageProgressed

TERMINAL = frozenset({"TaskRejected", "TaskCompleted", "TaskFailed", "TaskCancelled", "TaskExpired"})
RETRY_MS = 2000
KEEP_ALIVE = b": keep-alive\n\n"
OPENING = f"retry: {RETRY_MS}\n\n".encode()
_STATUS = {
    "TaskQueued": "queued",
    "TaskRejected": "failed",
    "StageStarted": "processing",
    "TaskCompleted": "completed",
    "TaskFailed": "failed",
    "TaskExpired": "failed",
    "TaskCancelled": "cancelled",
}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def event_name(type_name: str) -> str:
    """XScheduled" → "stage.retry_scheduled"."""
    first, *rest = _WORD.sub("_", type_name).lower().split("_")
    return f"{first}.{'_'.join(rest)}" if rest else first


def public_event(row: TaskEventRow) -> dict[str, Any]:
    """An event as clients see it, the same live and from history; `status` where the event alone decides it."""
    event: dict[str, Any] = {
        "id": row.account_seq,
        "task_id": row.task_id,
        "sequence": row.sequence,
        "event": event_name(row.type),
        "occurred_at": row.occurred_at,
        "detail": msgspec.json.decode(row.detail),
    }
    if row.type in _STATUS:
        event["status"] = _STATUS[row.type]
    return event


def event_frame(row: TaskEventRow) -> bytes:
    """A frame that a client can resume after."""
    return frame(event_name(row.type), public_event(row), row.account_seq)


def progress_frame(progress: StageProgressed) -> bytes:
    """Progress has no id: it is not part of the history."""
    return frame("progress", progress_data(progress))


def progress_data(progress: StageProgressed) -> dict[str, Any]:
    """Progress of one stage as clients see it; percent 0-100."""
    return {
        "task_id": progress.task_id,
        "stage_id": progress.stage_id,
        "attempt": progress.attempt,
        "percent": round(progress.percent, 1),
        "step": progress.step,
        "steps": progress.steps,
    }


def resume_frame(last_id: int) -> bytes:
    """Tells a client that this stream ends early and where to go on."""
    return frame("resume", {"last_event_id": last_id})


def frame(name: str, data: dict[str, Any], event_id: int | None = None) -> bytes:
    """One event; JSON never holds a raw line break, so its data is one line."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
