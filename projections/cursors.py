"""How far each topic partition has been projected; kept in the transaction of the rows."""

from __future__ import annotations

from msgspec import Struct

from projections.table import SCHEMA, Connection

_COLUMNS = "topic, partition, partition_seq, shard_seq, next_offset, undecodable, cluster_id, topic_id"


class LogIdentity(Struct, frozen=True, kw_only=True):
    """Which cluster and which incarnation of a topic a position belongs to."""

    cluster_id: str = ""
    topic_id: str = ""


class Cursor(Struct, frozen=True, kw_only=True):
    """Position in one partition: `partition_seq` of the last record held, `next_offset` to read on from.

    `undecodable` counts the records set aside as dead letters since then; each may have been one of the sequence.
    """

    topic: str
    partition: int
    partition_seq: int = 0
    shard_seq: int = 0
    next_offset: int = 0
    undecodable: int = 0
    cluster_id: str = ""
    topic_id: str = ""

    @property
    def identity(self) -> LogIdentity:
        """The log it points into."""
        return LogIdentity(cluster_id=self.cluster_id, topic_id=self.topic_id)


async def load_cursors(connection: Connection, schema: str = SCHEMA) -> dict[tuple[str, int], Cursor]:
    """All positions by (topic, partition)."""
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM {schema}.projection_cursors")  # noqa: S608
    return {(row["topic"], row["partition"]): Cursor(**row) for row in rows}


async def lock_cursor(connection: Connection, topic: str, partition: int, schema: str = SCHEMA) -> Cursor:
    """The position, locked until the transaction ends: of two writers one waits and then sees what the other wrote."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM {schema}.projection_cursors WHERE topic = $1 AND partition = $2 FOR UPDATE",  # noqa: S608
        topic,
        partition,
    )
    if row is None:
        await connection.execute(
            f"INSERT INTO {schema}.projection_cursors (topic, partition) VALUES ($1, $2) ON CONFLICT DO NOTHING",  # noqa: S608
            topic,
            partition,
        )
        return await lock_cursor(connection, topic, partition, schema)
    return Cursor(**row)


async def save_cursor(connection: Connection, cursor: Cursor, schema: str = SCHEMA) -> None:
    """Write a locked position."""
    await connection.execute(
        f"""UPDATE {schema}.projection_cursors SET partition_seq = $3, shard_seq = $4, next_offset = $5, undecodable = $6,
            cluster_id = $7, topic_id = $8, updated_at = now() WHERE topic = $1 AND partition = $2""",  # noqa: S608
        cursor.topic,
        cursor.partition,
        cursor.partition_seq,
        cursor.shard_seq,
        cursor.next_offset,
        cursor.undecodable,
        cursor.cluster_id,
        cursor.topic_id,
    )
