"""An account's stream on the wire: server-sent events, or one JSON text a WebSocket message."""

from __future__ import annotations

from typing import Any

import msgspec

from api.live.account_stream import Ended, KeepAlive, Opened, StreamItem
from api.live.sse import KEEP_ALIVE, OPENING, event_frame, frame, progress_data, progress_frame, public_event
from projections.folds.task_events import TaskEventRow


def as_sse(item: StreamItem) -> bytes:
    """One frame. `stream.opened` has an id too, so that a client cut off before any event still resumes from there."""
    match item:
        case Opened():
            return OPENING + frame("stream.opened", msgspec.to_builtins(item), item.last_event_id)
        case KeepAlive():
            return KEEP_ALIVE
        case Ended():
            return frame("resume", msgspec.to_builtins(item))
        case TaskEventRow():
            return event_frame(item)
        case _:
            return progress_frame(item)


def as_json(item: StreamItem) -> bytes:
    """One message: an object whose `event` names it."""
    return msgspec.json.encode(_message(item))


def _message(item: StreamItem) -> dict[str, Any]:
    match item:
        case Opened():
            return {"event": "stream.opened", **msgspec.to_builtins(item)}
        case KeepAlive():
            return {"event": "keep-alive"}
        case Ended():
            return {"event": "resume", **msgspec.to_builtins(item)}
        case TaskEventRow():
            return public_event(item)
        case _:
            return {"event": "progress", **progress_data(item)}
