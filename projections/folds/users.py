"""User events into accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from projections.folds.guard import is_old, unexpected
from projections.folds.quotas import LimitRow
from schemas.common import Limits, Tier
from schemas.entities import AccountErased, AnyUserEvent
from schemas.envelope import EPOCH


class UserRow(Struct, frozen=True, kw_only=True):
    """An account; `key_id` names its first credential in the keystore, which an erased account has no more."""

    account_id: str
    tier: Tier = Tier.NORMAL
    role: str = "member"
    key_id: str = ""
    limits: Limits = Limits()
    created_at: datetime = EPOCH
    erased_at: datetime | None = None
    shard_seq: int = 0


def apply_user(row: UserRow | None, event: AnyUserEvent) -> UserRow:
    """The account as registered, or erased. Raises `ContractError` for the end of an unknown account."""
    if row is not None and is_old(row, event):
        return row
    if isinstance(event, AccountErased):
        if row is None:
            raise unexpected(event, "the account was never registered")
        return replace(row, key_id="", erased_at=event.envelope.occurred_at, shard_seq=event.stamp.shard_seq)
    return UserRow(
        account_id=event.envelope.account_id,
        tier=event.tier,
        role=event.role,
        key_id=event.key_id,
        limits=event.limits,
        created_at=event.envelope.occurred_at,
        shard_seq=event.stamp.shard_seq,
    )


def effective_limits(limits: Limits, changes: Iterable[LimitRow]) -> Limits:
    """Limits at registration, overridden by what an administrator set (two topics, hence joined when read)."""
    fields = {f"{row.resource}_per_day": row.limit for row in changes}
    return replace(limits, **{name: value for name, value in fields.items() if name in limits.__struct_fields__})
