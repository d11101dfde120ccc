"""Task events into tasks, their stages' results, and the history."""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.character_shots import shot_rows
from projections.folds.task_events import task_event_row
from projections.folds.task_results import result_row
from projections.folds.tasks import apply_task
from projections.row_store import RowStore
from projections.tables import CHARACTER_SHOT_TABLE, TASK_EVENT_TABLE, TASK_RESULT_TABLE, TASK_TABLE
from projections.writers.base import Refused, Unseal, fold_into, wanted
from schemas.envelope import LedgerRecord
from schemas.tasks import AnyTaskEvent, StageCompleted


async def write_tasks(store: RowStore, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Rows of tasks are read without the results of finished stages, which are written once and never folded over."""
    known, foreign = wanted(events, AnyTaskEvent)
    result = await fold_into(store, TASK_TABLE, known, lambda e: (e.task_id,), apply_task)
    completed = [event for event in result.applied if isinstance(event, StageCompleted)]
    await store.upsert(TASK_RESULT_TABLE, map(result_row, completed))
    shots = [shot for event in completed for shot in shot_rows(result.rows[event.task_id,], event)]
    await store.upsert(CHARACTER_SHOT_TABLE, shots)
    await store.upsert(TASK_EVENT_TABLE, map(task_event_row, result.applied))
    return foreign + result.refused
