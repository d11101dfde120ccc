"""Erasing an account or a character: open work is stopped, and the events say that nothing of the person is left to use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from schemas.common import Ending, Problem
from schemas.decisions import Outcome
from schemas.entities import AccountErased, CharacterErased, WebhookRemoved
from schemas.envelope import LedgerRecord
from schemas.requests import AccountErasureRequested, CharacterErasureRequested
from streams.domain import ending
from streams.domain.drafts import decided, draft
from streams.domain.evolve import evolve
from streams.domain.limits import not_found
from streams.domain.policy import Policy
from streams.domain.state import ShardState

ACCOUNT_ERASED = Problem(type="AccountErased", code="account_erased", detail="the account was erased")


def is_erased(state: ShardState, account_id: str) -> bool:
    """Whether the account existed and was erased."""
    account = state.accounts.get(account_id)
    return account is not None and account.erased


def erase_account(
    state: ShardState, request: AccountErasureRequested, now: datetime, policy: Policy
) -> list[LedgerRecord]:
    """Stop all work of the account, erase its characters, remove its webhooks, then the account. Idempotent."""
    account_id, request_id = request.envelope.account_id, request.request.request_id
    answer = decided(request, Outcome.ACCEPTED, task_id=account_id)
    if account_id not in state.accounts:
        return [decided(request, Outcome.REJECTED, problem=not_found("account"))]
    if is_erased(state, account_id):
        return [answer]
    mine = (task_id for task_id, task in state.tasks.items() if task.account_id == account_id)
    events = _stop(state, mine, now, policy)
    for character_id in sorted(state.characters):
        character = state.characters[character_id]
        if character.account_id == account_id and not character.erased:
            events.append(_erased(account_id, character_id, request_id))
    for webhook_id, _ in state.webhooks.get(account_id, ()):
        events.append(draft(WebhookRemoved, account_id, webhook_id, request_id, webhook_id=webhook_id))
    who = {"operator": request.operator, "reason": request.reason}
    return [*events, draft(AccountErased, account_id, account_id, request_id, **who), answer]


def erase_character(
    state: ShardState, request: CharacterErasureRequested, now: datetime, policy: Policy
) -> list[LedgerRecord]:
    """Stop what is being made from the character, then erase it. Idempotent.

    The state knows no characters that failed; whose they are was judged by who wrote the request.
    """
    account_id, character_id = request.envelope.account_id, request.character_id
    character = state.characters.get(character_id)
    if character is not None and character.account_id != account_id:
        return [decided(request, Outcome.REJECTED, problem=not_found("character"))]
    answer = decided(request, Outcome.ACCEPTED, task_id=character_id)
    if character is not None and character.erased:
        return [answer]
    uses = (
        task_id
        for task_id, task in state.tasks.items()
        if task.entity_id == character_id or character_id in dict(task.characters)
    )
    events = _stop(state, uses, now, policy)
    return [*events, _erased(account_id, character_id, request.request.request_id), answer]


def _erased(account_id: str, character_id: str, request_id: str) -> CharacterErased:
    return draft(CharacterErased, account_id, character_id, request_id, character_id=character_id)


def _stop(state: ShardState, task_ids: Iterable[str], now: datetime, policy: Policy) -> list[LedgerRecord]:
    """Cancel the tasks one after another; each sees the quota as the one before left it."""
    events: list[LedgerRecord] = []
    for task_id in sorted(task_ids):
        task = state.tasks[task_id]
        if task.ending is not None:
            continue
        for event in ending.stop(state, task, Ending.CANCELLED, None):
            timed = replace(event, envelope=replace(event.envelope, occurred_at=now))
            state = evolve(state, timed, policy)
            events.append(event)
    return events
