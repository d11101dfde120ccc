"""Quota events into usage a day and limits."""

from __future__ import annotations

from msgspec import Struct

from projections.folds.guard import is_old
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
