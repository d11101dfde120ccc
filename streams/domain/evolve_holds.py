"""The fold of holds."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.tasks import TaskHeld, TaskReleased
from streams.domain.edits import line_up, set_stage, set_task
from streams.domain.state import ShardState, StageStatus

EDITS = 8  # requests remembered a task; a repeated one is expired before so many others were decided


def held(state: ShardState, event: TaskHeld) -> ShardState:
    """Its stages leave the queue, so that a held task costs the others nothing."""
    queue, delayed = state.queue, state.delayed
    for stage_id in state.tasks[event.task_id].stages:
        key = (event.task_id, stage_id)
        queue = queue.remove(key)
        delayed = delayed.remove(key)
    state = replace(state, queue=queue, delayed=delayed)
    return set_task(state, event.task_id, held=True, edits=_edits(state, event))


def released(state: ShardState, event: TaskReleased) -> ShardState:
    """What is ready queues up behind the account's other work and waits from now on; retries keep their time."""
    at = event.envelope.occurred_at
    state = set_task(state, event.task_id, held=False, edits=_edits(state, event))
    for stage_id, stage in sorted(state.tasks[event.task_id].stages.items()):
        if stage.status in (StageStatus.READY, StageStatus.DELAYED):
            state = set_stage(state, event.task_id, stage_id, ready_at=max(at, stage.ready_at))
            state = line_up(state, (event.task_id, stage_id), at)
    return state


def _edits(state: ShardState, event: TaskHeld | TaskReleased) -> tuple[str, ...]:
    return (*state.tasks[event.task_id].edits, event.request_id)[-EDITS:]
