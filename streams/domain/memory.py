"""What the coordinator remembers of answered requests, so that a repeat gets the same answer."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from streams.domain.policy import Policy
from streams.domain.state import Remembered, ShardState


def remember(state: ShardState, request_key: str, answer: Remembered, now: datetime) -> ShardState:
    """Keep the answer to a request, so that a repeat gets the same one."""
    return replace(
        state,
        remembered=state.remembered.set(request_key, answer),
        memory=state.memory.set(state.memory_tail, (now, request_key)),
        memory_tail=state.memory_tail + 1,
    )


def forget(state: ShardState, now: datetime, policy: Policy) -> ShardState:
    """Drop answers older than the policy remembers, except of tasks that are still open. At most a few a call."""
    for _ in range(4):
        if state.memory_head >= state.memory_tail:
            return state
        at, key = state.memory[state.memory_head]
        if now - at < policy.remember:
            return state
        memory = state.memory.delete(state.memory_head)
        state = replace(state, memory=memory, memory_head=state.memory_head + 1)
        if key in state.tasks:
            state = replace(
                state, memory=state.memory.set(state.memory_tail, (now, key)), memory_tail=state.memory_tail + 1
            )
        elif key in state.remembered:
            state = replace(state, remembered=state.remembered.delete(key))
    return state
