"""Windows of the log against the stored rows, again and again; what differs is logged and kept until it is right again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import assigned
from projections.apply import Partition
from projections.catch_up import Reader, stored_cursors
from projections.drift.judging import Window, drifted, limits_of, tasks_of, usage_of
from projections.postgres import retrying, transaction
from projections.row_store import Key
from projections.table import SCHEMA, Connection, Table
from projections.tables import LIMIT_TABLE, TASK_TABLE, USAGE_TABLE
from schemas.envelope import LedgerRecord
from schemas.errors import InfrastructureError
from schemas.topics import QUOTAS, TASKS

log = logging.getLogger(__name__)
WINDOW = 5_000  # offsets
_POLL_MS = 500
_PATIENCE = 60
_CHECKS: dict[str, tuple[tuple[Table[Any], Callable[[Sequence[LedgerRecord]], Window]], ...]] = {
    TASKS.name: ((TASK_TABLE, tasks_of),),
    QUOTAS.name: ((USAGE_TABLE, usage_of), (LIMIT_TABLE, limits_of)),
}
_FOUND = f"""INSERT INTO {SCHEMA}.projection_drift (relation, key, columns) VALUES ($1, $2, $3)
    ON CONFLICT (relation, key) DO UPDATE SET columns = excluded.columns"""  # noqa: S608
_RIGHT = f"DELETE FROM {SCHEMA}.projection_drift WHERE relation = $1 AND key = ANY($2)"  # noqa: S608


async def watch_drift(reader: Reader, partitions: Sequence[Partition], interval: float) -> None:
    """Check one window of each partition every `interval` seconds, for ever; 0 means never.

    An outage is no finding: the next round looks again.
    """
    if interval <= 0:
        await asyncio.Event().wait()
    while True:
        await asyncio.sleep(interval * random.uniform(0.5, 1.5))  # processes that stand by check other windows
        for partition in partitions:
            try:
                await check_window(reader, partition, random.random())
            except (KafkaError, InfrastructureError, OSError, asyncpg.PostgresError) as error:
                log.warning("no check of %s[%d]: %r", partition.topic, partition.number, error)


async def check_window(reader: Reader, partition: Partition, place: float, size: int = WINDOW) -> dict[str, list[Key]]:
    """Fold `size` offsets at `place` (0 the oldest, 1 the newest) of the partition; the keys of drifted rows by table.

    Raises `InfrastructureError` or `KafkaError` when the broker is away.
    """
    checks = _CHECKS.get(partition.topic, ())
    events = await _window(reader, partition, place, size) if checks else []
    found: dict[str, list[Key]] = {}
    for table, expected in checks:
        window = expected(events)
        wrong = await retrying(lambda t=table, w=window: _compare(reader, t, w), timeout=60)  # type: ignore[misc]
        for key, columns in wrong.items():
            log.error("%s %s is not what the log says: %s", table.relation, "/".join(key), ", ".join(columns))
        if wrong:
            found[table.relation] = sorted(wrong)
    return found


async def _compare(reader: Reader, table: Table[Any], window: Window) -> Mapping[Key, list[str]]:
    async with transaction(reader.pool) as connection:
        wrong = drifted(window, await table.load(connection, window))
        await _keep(connection, table.relation, window, wrong)
        return wrong


async def _keep(connection: Connection, relation: str, window: Window, wrong: Mapping[Key, list[str]]) -> None:
    await connection.execute(_RIGHT, relation, ["/".join(key) for key in window.keys() - wrong.keys()])
    await connection.executemany(_FOUND, [(relation, "/".join(key), columns) for key, columns in wrong.items()])


async def _window(reader: Reader, partition: Partition, place: float, size: int) -> list[LedgerRecord]:
    """Events of the window, all of them applied already."""
    cursor = (await stored_cursors(reader.pool)).get((partition.topic, partition.number))
    if cursor is None:
        return []
    tp = TopicPartition(partition.topic, partition.number)
    events: list[LedgerRecord] = []
    async with assigned(reader.settings.kafka, {tp: None}, max_poll_records=size) as consumer:
        begin = int((await consumer.beginning_offsets([tp]))[tp])
        start = begin + round(place * max(0, cursor.next_offset - size - begin))
        end, idle = min(start + size, cursor.next_offset), 0
        consumer.seek(tp, start)
        while await consumer.position(tp) < end and idle < _PATIENCE:
            records = (await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=size)).get(tp, [])
            idle = 0 if records else idle + 1
            delivered = await reader.decoder.delivered(record for record in records if record.offset < end)
            events += [item.record for item in delivered if item.record is not None]
    return events
