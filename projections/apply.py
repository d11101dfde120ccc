"""A batch of one partition into PostgreSQL: rows and position in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from infra import crash_points
from projections.cursors import Cursor, LogIdentity, lock_cursor, save_cursor
from projections.postgres import Pool, transaction
from projections.row_store import SqlRows
from projections.selection import Delivered, GapError, Selection, select
from projections.table import SCHEMA, Connection
from projections.tables import FED_BY
from projections.writers import WRITERS, Unseal
from schemas.topics import BY_NAME


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A record no reader can use, with where it was and why."""

    topic: str
    partition: int
    delivered: Delivered
    error: str


DeadLetters = Callable[[Sequence[DeadLetter]], Awaitable[None]]
"""Keeps the letters durably before it returns; may be called again with the same ones after a failure."""


class Partition(Struct, frozen=True, kw_only=True):
    """One partition of a projected topic of one log."""

    topic: str
    number: int = 0
    identity: LogIdentity = LogIdentity()


class Ports(Struct, frozen=True):
    """What applying needs besides the pool."""

    unseal: Unseal
    dead_letters: DeadLetters


async def apply_batch(
    pool: Pool, partition: Partition, delivered: Sequence[Delivered], ports: Ports, *, after: int | None = None
) -> Cursor:
    """Apply what is new and return the position after it. Applying a batch again changes nothing.

    Raises `GapError`, with nothing applied, when records are missing before one of the batch. The batch holds everything
    from offset `after` on; without it that is unknown, and the numbers of the records must tell what is missing. Where
    they cannot, on a compacted topic without a position and before undecodable records, a batch must be known to be whole.
    """
    async with transaction(pool) as connection:
        cursor = await lock_cursor(connection, partition.topic, partition.number)
        compacted = BY_NAME[partition.topic].compact
        whole = after is not None and after <= cursor.next_offset
        if compacted and not cursor.next_offset and delivered and delivered[0].offset and not whole:
            raise GapError(cursor, cursor, 0, delivered[0].offset)
        selection = select(cursor, delivered, compacted=compacted, whole=whole)
        if selection.cursor == cursor:
            return cursor
        letters = await _write(connection, partition, selection, ports.unseal)
        if letters:
            await ports.dead_letters(letters)
        moved = replace(
            selection.cursor, cluster_id=partition.identity.cluster_id, topic_id=partition.identity.topic_id
        )
        await save_cursor(connection, moved)
        crash_points.reach("read-models.in_transaction")
        return moved


async def _write(
    connection: Connection, partition: Partition, selection: Selection, unseal: Unseal
) -> list[DeadLetter]:
    events = {id(item.record): item for item in selection.accepted if item.record is not None}
    records = [item.record for item in selection.accepted if item.record is not None]
    refused = await WRITERS[partition.topic](SqlRows(connection), records, unseal) if records else []
    unusable = [(item, item.error) for item in selection.undecodable]
    unusable += [(events[id(refusal.event)], refusal.error) for refusal in refused]
    return [
        DeadLetter(topic=partition.topic, partition=partition.number, delivered=item, error=error)
        for item, error in sorted(unusable, key=lambda pair: pair[0].offset)
    ]


async def reset_topic(pool: Pool, topic: str) -> None:
    """Empty the tables a topic feeds and forget its positions."""
    tables = ", ".join(f"{SCHEMA}.{table}" for table in FED_BY[topic])
    async with transaction(pool) as connection:
        await connection.execute(
            f"SELECT 1 FROM {SCHEMA}.projection_cursors WHERE topic = $1 FOR UPDATE",  # noqa: S608
            topic,
        )
        await connection.execute(f"TRUNCATE {tables}")
        await connection.execute(f"DELETE FROM {SCHEMA}.projection_cursors WHERE topic = $1", topic)  # noqa: S608
