"""What every fold asks before it looks at an event."""

from __future__ import annotations

from typing import Protocol

from schemas.envelope import LedgerRecord
from schemas.errors import ContractError


class HasShardSeq(Protocol):
    """A row that knows the last event it holds."""

    @property
    def shard_seq(self) -> int: ...


def is_old(row: HasShardSeq | None, event: LedgerRecord) -> bool:
    """Whether the row already holds the event (an aggregate never changes its shard)."""
    return row is not None and event.stamp.shard_seq <= row.shard_seq


def unexpected(event: LedgerRecord, why: str) -> ContractError:
    """The error for an event that contradicts the log before it; names the record and its place, no content."""
    return ContractError(f"{type(event).__name__} at shard_seq {event.stamp.shard_seq}: {why}")
