"""Which requests are accepted: every rule that depends on the account, each answered by exactly one decision."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from schemas.common import Problem, TaskKind, Tier
from schemas.decisions import Outcome
from schemas.envelope import LedgerRecord
from schemas.requests import (
    AnyRequest,
    AssetSubmitted,
    AudioRequested,
    CancellationRequested,
    CharacterSubmitted,
    HoldRequested,
    ImageRequested,
    QuotaLimitRequested,
    ReleaseRequested,
    StoryboardRequested,
    UserRegistrationRequested,
    VideoRequested,
    WorkRequest,
)
from schemas.tasks import TaskQueued, TaskRejected
from streams.domain import ending, holding, quota, registration
from streams.domain.drafts import decided, draft
from streams.domain.limits import character_errors, invalid, limit_errors, not_found, not_retryable, stages_of
from streams.domain.policy import PRIORITY, estimate_ms
from streams.domain.state import Reservation, ShardState

KINDS: dict[type[WorkRequest], TaskKind] = {
    ImageRequested: TaskKind.IMAGE,
    VideoRequested: TaskKind.VIDEO,
    AudioRequested: TaskKind.AUDIO,
    StoryboardRequested: TaskKind.STORYBOARD,
    CharacterSubmitted: TaskKind.CHARACTER,
}


def decide_request(state: ShardState, request: AnyRequest, now: datetime) -> list[LedgerRecord]:
    """Decide one request: the events it causes and, last, its answer.

    | situation | events | answer |
    | --- | --- | --- |
    | decided after valid_until | none | expired |
    | same id and body seen before | none | duplicate, with the first answer |
    | same id, other body | none | conflict |
    | a rule of the account is broken | TaskRejected for work | rejected, naming every bad field |
    | else | TaskQueued, QuotaReserved, ... | accepted |
    """
    if now > request.request.valid_until:
        return [decided(request, Outcome.EXPIRED)]
    if isinstance(request, CancellationRequested):
        return ending.decide_cancellation(state, request)
    if isinstance(request, HoldRequested | ReleaseRequested):
        return holding.decide_hold(state, request)
    seen = state.remembered.get(request.request.task_id)
    if seen is not None:
        same = seen.body_hash == request.request.body_hash and seen.account_id == request.envelope.account_id
        if not same:
            return [decided(request, Outcome.CONFLICT)]
        return [
            decided(
                request,
                Outcome.DUPLICATE,
                problem=seen.problem,
                task_status=seen.status,
                estimated_ms=seen.estimated_ms,
            )
        ]
    if isinstance(request, UserRegistrationRequested):
        return registration.register_user(state, request)
    if request.envelope.account_id not in state.accounts:
        return [decided(request, Outcome.REJECTED, problem=not_found("account"))]
    match request:
        case QuotaLimitRequested():
            return registration.change_limit(request)
        case AssetSubmitted():
            return registration.register_asset(request)
        case ImageRequested() | VideoRequested() | AudioRequested() | StoryboardRequested() | CharacterSubmitted():
            return _admit(state, request, now)
        case _:
            assert_never(request)


def _admit(state: ShardState, request: WorkRequest, now: datetime) -> list[LedgerRecord]:
    account = state.accounts[request.envelope.account_id]
    if (problem := not_retryable(state, request)) is not None:
        return _reject(request, problem)
    errors = limit_errors(account.limits, request) + character_errors(state, request)
    if errors:
        return _reject(request, invalid(errors))
    held = _reservation(request, now)
    if held is not None and (problem := quota.check(state, account.account_id, held)) is not None:
        return _reject(request, problem)
    queued = _queued(state, request, account.tier)
    info = request.request
    events: list[LedgerRecord] = [queued]
    if held is not None:
        events.append(quota.reserve(state, account.account_id, info.task_id, info.request_id, held))
    if isinstance(request, CharacterSubmitted):
        events.append(registration.registered_character(request))
    events.append(decided(request, Outcome.ACCEPTED, task_status="queued", estimated_ms=queued.estimated_ms))
    return events


def _queued(state: ShardState, request: WorkRequest, tier: Tier) -> TaskQueued:
    info = request.request
    stages = stages_of(request)
    entity = {StoryboardRequested: "storyboard_id", CharacterSubmitted: "character_id"}.get(type(request), "")
    return draft(
        TaskQueued,
        request.envelope.account_id,
        info.task_id,
        info.request_id,
        task_id=info.task_id,
        request_id=info.request_id,
        body_hash=info.body_hash,
        kind=KINDS[type(request)],
        tier=tier,
        priority=PRIORITY[tier],
        stages=stages,
        estimated_ms=_expected_ms(state, sum(estimate_ms(state.rates, s.engine, s.kind, s.work) for s in stages)),
        deadline=getattr(request, "deadline", None),
        character_ids=list(getattr(request, "character_ids", [])),
        entity_id=getattr(request, entity) if entity else "",
        project=getattr(request, "project", ""),
        sealed=request.sealed,
        retry_of=info.retry_of,
    )


def _reservation(request: WorkRequest, now: datetime) -> Reservation | None:
    if isinstance(request, ImageRequested):
        return Reservation(resource="images", amount=len(request.stages), day=quota.day_of(now))
    if isinstance(request, VideoRequested):
        return Reservation(resource="videos", amount=1, day=quota.day_of(now))
    return None


def _expected_ms(state: ShardState, own_ms: int) -> int:
    return (state.backlog_ms + own_ms) // max(1, len(state.live_devices()))


def _reject(request: WorkRequest, problem: Problem) -> list[LedgerRecord]:
    info = request.request
    rejected = draft(
        TaskRejected,
        request.envelope.account_id,
        info.task_id,
        info.request_id,
        task_id=info.task_id,
        request_id=info.request_id,
        body_hash=info.body_hash,
        kind=KINDS[type(request)],
        problem=problem,
    )
    return [rejected, decided(request, Outcome.REJECTED, problem=problem)]
