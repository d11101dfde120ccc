"""POST /webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.bodies.base import Body, CallbackUrl, Text
from api.live.sse import event_name
from api.rules import BadField
from schemas.tasks import TaskEvent
from schemas.topics import TASKS

ALL = "*"
EVENTS: tuple[str, ...] = tuple(
    sorted(event_name(kind.__name__) for kind in TASKS.records if issubclass(kind, TaskEvent))
)


class WebhookBody(Body):
    """Where events go. `events` are their names, "*" for all of them; without it the last event of every task."""

    url: CallbackUrl
    events: Annotated[list[str], Field(max_length=32)] = []
    description: Annotated[Text, StringConstraints(max_length=200)] = ""

    @classmethod
    def cross_check(cls, data: Mapping[str, Any], now: datetime) -> list[BadField]:
        """Also: the events exist."""
        names = data.get("events")
        known = (ALL, *EVENTS)
        return super().cross_check(data, now) + [
            BadField(f"events[{place}]", "one_of", {"expected": ", ".join(known)})
            for place, name in enumerate(names if isinstance(names, list) else [])
            if isinstance(name, str) and name not in known
        ]
