"""What is sent: the event as every other way of following shows it, in the envelope of Standard Webhooks. And its secrets."""

from __future__ import annotations

import msgspec

from api.context import PREFIX
from api.live.sse import TERMINAL, event_name, public_event
from infra.keystore import DataKey, digest
from projections.folds.task_events import TaskEventRow


def is_terminal(row: TaskEventRow) -> bool:
    """Whether the task ends with this event."""
    return row.type in TERMINAL


def message_body(row: TaskEventRow, base_url: str) -> bytes:
    """`type`, `timestamp` and `data`: the public event and the URL of its task. Equal for every attempt."""
    data = public_event(row) | {"task_url": f"{base_url}{PREFIX}/tasks/{row.task_id}"}
    return msgspec.json.encode({"type": event_name(row.type), "timestamp": row.occurred_at, "data": data})


def signing_secret(key: DataKey, secret_id: str) -> bytes:
    """The 256-bit secret of that id, derived from the account's key: nothing secret is stored, and it goes with the key."""
    return bytes.fromhex(digest(key, f"webhook secret:{secret_id}".encode()))
