"""Results that are taken again: the same work of the same account, seed included, is answered from what it made before.

An equal request that comes while the first still runs is rendered as well: only what is stored can be taken.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from schemas.requests import WorkRequest
from schemas.tasks import TaskCompleted
from streams.domain.policy import Policy
from streams.domain.state import ShardState, StoredResult, TaskState


def stored_result(state: ShardState, request: WorkRequest, now: datetime, policy: Policy) -> StoredResult | None:
    """The result that rendering the request now would give again.

    None for work that is not repeatable, that was not made within the time things are remembered, whose character has
    another revision by now, or whose engines run on live devices in other versions only.
    """
    if not request.request.reuse_hash:
        return None
    stored = state.results.get((request.envelope.account_id, request.request.reuse_hash))
    if stored is None or now - stored.at >= policy.remember:
        return None
    if stored.characters != revisions(state, getattr(request, "character_ids", [])):
        return None
    live = state.live_devices()
    for engine, version in stored.versions:
        offered = {device.versions[engine] for device in live if engine in device.versions}
        if offered and version not in offered:
            return None
    return stored


def revisions(state: ShardState, character_ids: list[str]) -> tuple[tuple[str, int], ...]:
    """The characters' revisions now, 0 for unknown ones."""
    known = {name: state.characters.get(name) for name in character_ids}
    return tuple(sorted((name, character.revision if character else 0) for name, character in known.items()))


def keep(state: ShardState, task: TaskState, event: TaskCompleted, policy: Policy) -> ShardState:
    """Store what a repeatable task made; the oldest beyond `policy.results_kept` are let go."""
    if not task.reuse_hash or event.cached:
        return state
    at, place = event.envelope.occurred_at, state.result_tail
    made_with = {(stage.plan.engine, stage.engine_version) for stage in task.stages.values()}
    stored = StoredResult(
        task_id=task.task_id,
        at=at,
        place=place,
        outputs=tuple(event.outputs),
        versions=tuple(sorted(made_with)),
        characters=task.characters,
    )
    key = (task.account_id, task.reuse_hash)
    state = replace(
        state,
        results=state.results.set(key, stored),
        result_log=state.result_log.set(place, (at, key)),
        result_tail=place + 1,
    )
    return forget(state, at, policy)


def forget(state: ShardState, now: datetime, policy: Policy) -> ShardState:
    """Let go of results that are too old or too many. At most a few a call."""
    for _ in range(4):
        if state.result_head >= state.result_tail:
            return state
        at, key = state.result_log[state.result_head]
        if now - at < policy.remember and state.result_tail - state.result_head <= policy.results_kept:
            return state
        stored = state.results.get(key)
        superseded = stored is None or stored.place != state.result_head
        state = replace(
            state,
            results=state.results if superseded else state.results.delete(key),
            result_log=state.result_log.delete(state.result_head),
            result_head=state.result_head + 1,
        )
    return state
