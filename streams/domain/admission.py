"""Which requests are accepted: every rule that depends on the account, each answered by exactly one decision."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from schemas.common import Problem, StagePlan, TaskKind, Tier
from schemas.decisions import Outcome
from schemas.envelope import LedgerRecord
from schemas.requests import (
    AccountErasureRequested,
    AnyRequest,
    AssetSubmitted,
    AudioRequested,
    CancellationRequested,
    CharacterErasureRequested,
    CharacterSubmitted,
    HoldRequested,
    ImageRequested,
    QuotaLimitRequested,
    ReleaseRequested,
    StoryboardRequested,
    UserRegistrationRequested,
    VerificationRequested,
    VideoRequested,
    WebhookRemovalRequested,
    WebhookRotationRequested,
    WebhookSubmitted,
    WorkRequest,
)
from schemas.tasks import TaskCompleted, TaskQueued, TaskRejected
from streams.domain import ending, erasure, holding, quota, registration, reuse, webhooks
from streams.domain.drafts import decided, draft
from streams.domain.limits import character_errors, invalid, limit_errors, not_found, not_retryable, stages_of
from streams.domain.policy import PRIORITY, Policy, estimate_ms
from streams.domain.state import Reservation, ShardState, StoredResult

KINDS: dict[type[WorkRequest], TaskKind] = {
    ImageRequested: TaskKind.IMAGE,
    VideoRequested: TaskKind.VIDEO,
    AudioRequested: TaskKind.AUDIO,
    StoryboardRequested: TaskKind.STORYBOARD,
    CharacterSubmitted: TaskKind.CHARACTER,
    VerificationRequested: TaskKind.VERIFICATION,
}


def decide_request(state: ShardState, request: AnyRequest, now: datetime, policy: Policy) -> list[LedgerRecord]:
    """Decide one request: the events it causes and, last, its answer.

    | situation | events | answer |
    | --- | --- | --- |
    | decided after valid_until | none | expired |
    | same id and body seen before | none | duplicate, with the first answer |
    | same id, other body | none | conflict |
    | the account was erased | none | rejected |
    | a rule of the account is broken | TaskRejected for work | rejected, naming every bad field |
    | the same work was done before, seed included | TaskQueued, TaskCompleted (cached) | accepted, completed |
    | else | TaskQueued, QuotaReserved, ... | accepted |
    """
    if now > request.request.valid_until:
        return [decided(request, Outcome.EXPIRED)]
    if isinstance(request, AccountErasureRequested):
        return erasure.erase_account(state, request, now, policy)
    if erasure.is_erased(state, request.envelope.account_id):
        return [decided(request, Outcome.REJECTED, problem=erasure.ACCOUNT_ERASED)]
    if isinstance(request, CharacterErasureRequested):
        return erasure.erase_character(state, request, now, policy)
    if isinstance(request, CancellationRequested):
        return ending.decide_cancellation(state, request)
    if isinstance(request, HoldRequested | ReleaseRequested):
        return holding.decide_hold(state, request)
    if isinstance(request, WebhookRotationRequested | WebhookRemovalRequested):
        return webhooks.edit(state, request)
    task = state.tasks.get(request.request.task_id)
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
                task_status=seen.status if task is None else task.status,
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
        case WebhookSubmitted():
            return webhooks.register(state, request)
        case (
            ImageRequested()
            | VideoRequested()
            | AudioRequested()
            | StoryboardRequested()
            | CharacterSubmitted()
            | VerificationRequested()
        ):
            return _admit(state, request, now, policy)
        case _:
            assert_never(request)


def _admit(state: ShardState, request: WorkRequest, now: datetime, policy: Policy) -> list[LedgerRecord]:
    account = state.accounts[request.envelope.account_id]
    if (problem := not_retryable(state, request)) is not None:
        return _reject(request, problem)
    errors = limit_errors(account.limits, request) + character_errors(state, request)
    if errors:
        return _reject(request, invalid(errors))
    held = _reservation(request, now)
    if (stored := reuse.stored_result(state, request, now, policy)) is not None:
        return _from_store(state, request, stored, held if policy.cached_charge else None)
    if held is not None and (problem := quota.check(state, account.account_id, held)) is not None:
        return _reject(request, problem)
    queued = _queued(state, request, account.tier, stages_of(request))
    info = request.request
    events: list[LedgerRecord] = [queued]
    if held is not None:
        events.append(quota.reserve(state, account.account_id, info.task_id, info.request_id, held))
    if isinstance(request, CharacterSubmitted):
        events.append(registration.registered_character(request))
    events.append(decided(request, Outcome.ACCEPTED, task_status="queued", estimated_ms=queued.estimated_ms))
    return events


def _from_store(
    state: ShardState, request: WorkRequest, stored: StoredResult, held: Reservation | None
) -> list[LedgerRecord]:
    """Complete the task at once with what an equal one made; `held` is what that costs."""
    account, info = state.accounts[request.envelope.account_id], request.request
    if held is not None and (problem := quota.check(state, account.account_id, held)) is not None:
        return _reject(request, problem)
    completed = draft(
        TaskCompleted,
        account.account_id,
        info.task_id,
        info.request_id,
        task_id=info.task_id,
        outputs=list(stored.outputs),
        cached=True,
        cached_from=stored.task_id,
    )
    events: list[LedgerRecord] = [_queued(state, request, account.tier, []), completed]
    if held is not None:
        events += quota.charge(state, account.account_id, info.task_id, info.request_id, held)
    return [*events, decided(request, Outcome.ACCEPTED, task_status="completed")]


def _queued(state: ShardState, request: WorkRequest, tier: Tier, stages: list[StagePlan]) -> TaskQueued:
    info = request.request
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
        estimated_ms=_expected_ms(state, stages) if stages else 0,
        deadline=getattr(request, "deadline", None),
        character_ids=list(getattr(request, "character_ids", [])),
        entity_id=getattr(request, entity) if entity else "",
        project=getattr(request, "project", ""),
        sealed=request.sealed,
        retry_of=info.retry_of,
        reuse_hash=info.reuse_hash,
    )


def _reservation(request: WorkRequest, now: datetime) -> Reservation | None:
    if isinstance(request, ImageRequested):
        return Reservation(resource="images", amount=len(request.stages), day=quota.day_of(now))
    if isinstance(request, VideoRequested):
        return Reservation(resource="videos", amount=1, day=quota.day_of(now))
    return None


def _expected_ms(state: ShardState, stages: list[StagePlan]) -> int:
    own_ms = sum(estimate_ms(state.rates, stage.engine, stage.kind, stage.work) for stage in stages)
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
