"""Quota events into usage a day and limits."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from projections.folds.guard import is_old
from schemas.envelope import EPOCH
from schemas.quotas import QuotaCommitted, QuotaLimitChanged, QuotaReleased, QuotaReserved


class UsageRow(Struct, frozen=True, kw_only=True):
    """What an account used and set aside of a resource ("images", "videos") on one of its days ("YYYY-MM-DD")."""

    account_id: str
    resource: str
    day: str
    used: int = 0
    reserved: int = 0
    shard_seq: int = 0


class LimitRow(Struct, frozen=True, kw_only=True):
    """A daily limit an administrator set; it beats the one the account was registered with."""

    account_id: str
    resource: str
    limit: int = 0
    shard_seq: int = 0


class UsageChangeRow(Struct, frozen=True, kw_only=True):
    """The sums after one booking, kept for ever: what was true at a time is the last one before it."""

    account_id: str
    resource: str
    day: str
    shard_seq: int
    occurred_at: datetime = EPOCH
    used: int = 0
    reserved: int = 0


class LimitChangeRow(Struct, frozen=True, kw_only=True):
    """One change of a limit, kept for ever."""

    account_id: str
    resource: str
    shard_seq: int
    occurred_at: datetime = EPOCH
    limit: int = 0


def usage_change(event: QuotaReserved | QuotaCommitted | QuotaReleased) -> UsageChangeRow:
    """The row of one booking."""
    return UsageChangeRow(
        account_id=event.envelope.account_id,
        resource=event.resource,
        day=event.day,
        shard_seq=event.stamp.shard_seq,
        occurred_at=event.envelope.occurred_at,
        used=event.used,
        reserved=event.reserved,
    )


def limit_change(event: QuotaLimitChanged) -> LimitChangeRow:
    """The row of one change of a limit."""
    return LimitChangeRow(
        account_id=event.envelope.account_id,
        resource=event.resource,
        shard_seq=event.stamp.shard_seq,
        occurred_at=event.envelope.occurred_at,
        limit=event.limit,
    )


def apply_usage(row: UsageRow | None, event: QuotaReserved | QuotaCommitted | QuotaReleased) -> UsageRow:
    """The day's sums after the event, as the event states them."""
    if row is not None and is_old(row, event):
        return row
    return UsageRow(
        account_id=event.envelope.account_id,
        resource=event.resource,
        day=event.day,
        used=event.used,
        reserved=event.reserved,
        shard_seq=event.stamp.shard_seq,
    )


def apply_limit(row: LimitRow | None, event: QuotaLimitChanged) -> LimitRow:
    """The limit from now on."""
    if row is not None and is_old(row, event):
        return row
    return LimitRow(
        account_id=event.envelope.account_id,
        resource=event.resource,
        limit=event.limit,
        shard_seq=event.stamp.shard_seq,
    )
