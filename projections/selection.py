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
    accepted, undecodable, stored = [], [], cursor
    for item in delivered:
        if item.offset < cursor.next_offset:
            continue
        if item.record is None and not whole and item.offset > cursor.next_offset:
            raise GapError(stored, cursor, 0, item.offset)
        cursor = replace(cursor, next_offset=item.offset + 1)
        if item.record is None:
            undecodable.append(item)
            cursor = replace(cursor, undecodable=cursor.undecodable + 1)
            continue
        stamp = item.record.stamp
        if stamp.partition_seq <= cursor.partition_seq:
            continue
        if not compacted and stamp.partition_seq > cursor.partition_seq + 1 + cursor.undecodable:
            raise GapError(stored, cursor, stamp.partition_seq, item.offset)
        accepted.append(item)
        cursor = replace(cursor, partition_seq=stamp.partition_seq, shard_seq=stamp.shard_seq, undecodable=0)
    return Selection(cursor=cursor, accepted=accepted, undecodable=undecodable)
