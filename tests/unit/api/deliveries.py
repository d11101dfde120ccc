# ruff: noqa: ARG002  (ports have arguments that memory does not need)
"""Deliveries of webhooks in memory."""

from __future__ import annotations

from datetime import datetime

from api.webhooks.deliveries import Delivery, Planned


def pending(
    account_id: str, webhook_id: str, task_id: str, account_seq: int, now: datetime, kind: str = "TaskCompleted"
) -> Delivery:
    """A delivery that was not tried yet."""
    return Delivery(
        delivery_id=f"{webhook_id}-{account_seq}",
        account_id=account_id,
        webhook_id=webhook_id,
        task_id=task_id,
        account_seq=account_seq,
        type=kind,
        state="pending",
        attempts=0,
        next_attempt=now,
        status=None,
        error="",
        took_ms=0,
        created_at=now,
        updated_at=now,
    )


class MemoryDeliveries:
    """`Delivering` over a list."""

    def __init__(self) -> None:
        self.rows: list[Delivery] = []

    async def page(self, account_id: str, webhook_id: str, before: object, limit: int) -> list[Delivery]:
        return [row for row in self.rows if (row.account_id, row.webhook_id) == (account_id, webhook_id)][:limit]

    async def failing(self, account_id: str) -> set[str]:
        return set()

    async def again(self, account_id: str, webhook_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        found = [row for row in await self.page(account_id, webhook_id, None, 1000) if row.delivery_id == delivery_id]
        return found[0] if found else None

    async def renew(self, planned: Planned, now: datetime) -> Delivery:
        event = planned.event
        row = pending(event.account_id, planned.webhook_id, event.task_id, event.account_seq, now, kind=event.type)
        self.rows.append(row)
        return row
