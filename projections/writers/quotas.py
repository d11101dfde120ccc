"""Quota events into usage and limits."""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.quotas import apply_limit, apply_usage, limit_change, usage_change
from projections.row_store import RowStore
from projections.tables import LIMIT_HISTORY_TABLE, LIMIT_TABLE, USAGE_HISTORY_TABLE, USAGE_TABLE
from projections.writers.base import Refused, Unseal, fold_into, wanted
from schemas.envelope import LedgerRecord
from schemas.quotas import AnyQuotaEvent, QuotaLimitChanged


async def write_quotas(store: RowStore, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Usage a day and limits set by an administrator, as they are and as they came about."""
    known, foreign = wanted(events, AnyQuotaEvent)
    changes = [event for event in known if isinstance(event, QuotaLimitChanged)]
    bookings = [event for event in known if not isinstance(event, QuotaLimitChanged)]
    limits = await fold_into(store, LIMIT_TABLE, changes, lambda e: (e.envelope.account_id, e.resource), apply_limit)
    usage = await fold_into(
        store, USAGE_TABLE, bookings, lambda e: (e.envelope.account_id, e.resource, e.day), apply_usage
    )
    await store.upsert(USAGE_HISTORY_TABLE, map(usage_change, usage.applied))
    await store.upsert(LIMIT_HISTORY_TABLE, map(limit_change, limits.applied))
    return foreign + limits.refused + usage.refused
