"""What the coordinator remembers of answered requests, so that a repeat gets the same answer."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from msgspec.structs import replace

from streams.domain.policy import Policy
from streams.domain.state import Page, Remembered, ShardState

PAGE = 32  # requests; an entry for each would take as much memory as the answer itself
SPAN = timedelta(seconds=10)  # so much later than its time an answer is forgotten at most


def remember(state: ShardState, request_key: str, answer: Remembered, now: datetime) -> ShardState:
    """Keep the answer to a request, so that a repeat gets the same one. Answers of one account share its id in memory."""
    answer = replace(answer, account_id=sys.intern(answer.account_id))
    return _noted(replace(state, remembered=state.remembered.set(request_key, answer)), request_key, now)


def forget(state: ShardState, now: datetime, policy: Policy) -> ShardState:
    """Drop answers older than the policy remembers, except of tasks that are still open. At most a page a call."""
    if state.memory_head >= state.memory_tail:
        return state
    page = state.memory[state.memory_head]
    if now - page.until < policy.remember:
        return state
    state = replace(state, memory=state.memory.delete(state.memory_head), memory_head=state.memory_head + 1)
    for key in page.keys:
        if key in state.tasks:
            state = _noted(state, key, now)
        elif key in state.remembered:
            state = replace(state, remembered=state.remembered.delete(key))
    return state


def _noted(state: ShardState, key: str, now: datetime) -> ShardState:
    """The state that will forget the request when its page is old enough."""
    last = state.memory.get(state.memory_tail - 1)
    if last is not None and len(last.keys) < PAGE and now - last.since < SPAN:
        page = Page(since=last.since, until=max(last.until, now), keys=(*last.keys, key))
        return replace(state, memory=state.memory.set(state.memory_tail - 1, page))
    page = Page(since=now, until=now, keys=(key,))
    return replace(state, memory=state.memory.set(state.memory_tail, page), memory_tail=state.memory_tail + 1)
