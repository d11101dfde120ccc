"""Task events into tasks, their stages' results, and the history."""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.task_events import task_event_row
from projections.folds.tasks import apply_task
from projections.table import SCHEMA, Connection
from projections.tables import TASK_EVENT_TABLE, TASK_TABLE
from projections.writers.base import Refused, Unseal, fold_into, wanted
from schemas.envelope import LedgerRecord
from schemas.tasks import AnyTaskEvent, StageCompleted

_RESULTS = f"""INSERT INTO {SCHEMA}.task_results (task_id, stage_id, sealed, shard_seq) VALUES ($1, $2, $3, $4)
    ON CONFLICT (task_id, stage_id) DO UPDATE SET sealed = excluded.sealed, shard_seq = excluded.shard_seq"""  # noqa: S608


async def write_tasks(connection: Connection, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Rows of tasks are read without the results of finished stages, which are written once and never folded over."""
    known, foreign = wanted(events, AnyTaskEvent)
    result = await fold_into(connection, TASK_TABLE, known, lambda e: (e.task_id,), apply_task)
    results = [
        (event.task_id, event.stage_id, event.sealed, event.stamp.shard_seq)
        for event in result.applied
        if isinstance(event, StageCompleted)
    ]
    if results:
        await connection.executemany(_RESULTS, results)
    await TASK_EVENT_TABLE.upsert(connection, map(task_event_row, result.applied))
    return foreign + result.refused
