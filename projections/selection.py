"""Which records of a batch are new: compare-and-set on `partition_seq`, decided without IO."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from projections.cursors import Cursor
from schemas.envelope import LedgerRecord
from schemas.errors import InfrastructureError

Headers = Sequence[tuple[str, bytes]]


class Delivered(Struct, frozen=True, kw_only=True):
    """A record as it came; `record` is None when it could not be decoded, and `error` says why."""

    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()
    record: LedgerRecord | None = None
    error: str = ""


class GapError(InfrastructureError):
    """Records between the position and this one are missing from what was delivered; the log has them.

    `stored` is the position as it was before the batch.
    """

    code = "gap"

    def __init__(self, stored: Cursor, cursor: Cursor, found: int, offset: int) -> None:
        super().__init__(
            f"{cursor.topic}[{cursor.partition}]: partition_seq {found} at offset {offset} follows {cursor.partition_seq}"
        )
        self.stored = stored


class Selection(Struct, frozen=True, kw_only=True):
    """What to apply, what to set aside, and the position after both."""

    cursor: Cursor
    accepted: list[Delivered] = []
    undecodable: list[Delivered] = []


def select(cursor: Cursor, delivered: Sequence[Delivered], *, compacted: bool, whole: bool = False) -> Selection:
    """Records after the position, in order. Raises `GapError` when one is missing.

    Compacted topics have holes by design. A hole is also explained by as many undecodable records before it. `whole` says
    that nothing was left out between the position and the batch; without it an undecodable record, which has no number,
    moves the position only when it is the very next one.
    """
    accepted: list[Delivered] = []
    undecodable: list[Delivered] = []
    following, seen, shard_seq, aside = cursor.next_offset, cursor.partition_seq, cursor.shard_seq, cursor.undecodable
    for item in delivered:
        offset, record = item.offset, item.record
        if offset < following:
            continue
        if record is None:
            if not whole and offset > following:
                raise GapError(cursor, replace(cursor, partition_seq=seen), 0, offset)
            following, aside = offset + 1, aside + 1
            undecodable.append(item)
            continue
        following, stamp = offset + 1, record.stamp
        if stamp.partition_seq <= seen:
            continue
        if not compacted and stamp.partition_seq > seen + 1 + aside:
            raise GapError(cursor, replace(cursor, partition_seq=seen), stamp.partition_seq, offset)
        accepted.append(item)
        seen, shard_seq, aside = stamp.partition_seq, stamp.shard_seq, 0
    moved = replace(cursor, next_offset=following, partition_seq=seen, shard_seq=shard_seq, undecodable=aside)
    return Selection(cursor=moved, accepted=accepted, undecodable=undecodable)
