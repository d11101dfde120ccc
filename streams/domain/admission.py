"""Which requests are accepted: every rule that depends on the account, each answered by exactly one decision."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from schemas.common import FieldError, Limits, Problem, StagePlan, TaskKind, Tier
from schemas.decisions import Outcome
from schemas.entities import AssetRegistered, CharacterRegistered, UserRegistered
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaLimitChanged
from schemas.requests import (
    AnyRequest,
    AssetSubmitted,
    AudioRequested,
    CancellationRequested,
    CharacterSubmitted,
    ImageRequested,
    QuotaLimitRequested,
    StoryboardRequested,
    UserRegistrationRequested,
    VideoRequested,
)
from schemas.tasks import TaskQueued, TaskRejected
from streams.domain import ending, quota
from streams.domain.drafts import decided, draft
from streams.domain.policy import PRIORITY, TIER_LIMITS, estimate_ms
from streams.domain.state import Reservation, ShardState

WorkRequest = ImageRequested | VideoRequested | AudioRequested | StoryboardRequested | CharacterSubmitted
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
    seen = state.remembered.get(request.request.task_id)
    if seen is not None:
        same = seen.body_hash == request.request.body_hash and seen.account_id == request.envelope.account_id
        if not same:
            return [decided(request, Outcome.CONFLICT)]
        return [decided(request, Outcome.DUPLICATE, problem=seen.problem, task_status=seen.status)]
    if isinstance(request, UserRegistrationRequested):
        return _register_user(state, request)
    if request.envelope.account_id not in state.accounts:
        return [decided(request, Outcome.REJECTED, problem=_not_found("account"))]
    match request:
        case QuotaLimitRequested():
            return _change_limit(request)
        case AssetSubmitted():
            return _register_asset(request)
        case ImageRequested() | VideoRequested() | AudioRequested() | StoryboardRequested() | CharacterSubmitted():
            return _admit(state, request, now)
        case _:
            assert_never(request)


def _admit(state: ShardState, request: WorkRequest, now: datetime) -> list[LedgerRecord]:
    account = state.accounts[request.envelope.account_id]
    errors = _limit_errors(account.limits, request) + _character_errors(state, request)
    if errors:
        return _reject(request, _invalid(errors))
    held = _reservation(request, now)
    if held is not None and (problem := quota.check(state, account.account_id, held)) is not None:
        return _reject(request, problem)
    queued = _queued(state, request, account.tier)
    info = request.request
    events: list[LedgerRecord] = [queued]
    if held is not None:
        events.append(quota.reserve(state, account.account_id, info.task_id, info.request_id, held))
    if isinstance(request, CharacterSubmitted):
        events.append(_registered(request))
    events.append(
        decided(request, Outcome.ACCEPTED, task_status="queued", estimated_ms=_expected_ms(state, queued.estimated_ms))
    )
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
        estimated_ms=sum(estimate_ms(state.rates, s.engine, s.kind, s.work) for s in stages),
        deadline=getattr(request, "deadline", None),
        character_ids=list(getattr(request, "character_ids", [])),
        entity_id=getattr(request, entity) if entity else "",
        project=getattr(request, "project", ""),
        sealed=request.sealed,
    )


def stages_of(request: WorkRequest) -> list[StagePlan]:
    """The stages known at admission: a film's plan, or the script stage that will make one."""
    if not isinstance(request, VideoRequested):
        return request.stages
    if request.plan is not None:
        return request.plan.stages
    return [request.script] if request.script is not None else []


def _limit_errors(limits: Limits, request: WorkRequest) -> list[FieldError]:
    errors: list[FieldError] = []
    if not stages_of(request):
        errors.append(FieldError(field="stages", rule="min_length", message="there is nothing to render"))
    if isinstance(request, ImageRequested | VideoRequested):
        errors += _size_errors(limits, request.width, request.height)
    if isinstance(request, VideoRequested) and request.plan is not None:
        errors += film_errors(limits, request.plan.duration_ms, request.plan.frames)
    return errors


def _size_errors(limits: Limits, width: int, height: int) -> list[FieldError]:
    long, short = max(width, height), min(width, height)
    most_long, most_short = max(limits.max_width, limits.max_height), min(limits.max_width, limits.max_height)
    if long <= most_long and short <= most_short:
        return []
    message = f"{width}x{height} exceeds the account's {limits.max_width}x{limits.max_height} (either orientation)"
    return [FieldError(field="resolution", rule="max_resolution", message=message)]


def film_errors(limits: Limits, duration_ms: int, frames: int) -> list[FieldError]:
    """Which of the account's limits a film of that length breaks."""
    errors = []
    if duration_ms > limits.max_duration_s * 1000:
        message = f"{duration_ms / 1000:g} s exceed the account's {limits.max_duration_s} s"
        errors.append(FieldError(field="duration", rule="max_duration", message=message))
    if frames > limits.max_frames:
        message = f"{frames} frames exceed the account's {limits.max_frames}"
        errors.append(FieldError(field="frames", rule="max_frames", message=message))
    return errors


def _character_errors(state: ShardState, request: WorkRequest) -> list[FieldError]:
    errors = []
    for character_id in getattr(request, "character_ids", []):
        character = state.characters.get(character_id)
        if character is None or character.account_id != request.envelope.account_id:
            errors.append(FieldError(field="character_id", rule="exists", message=f"no character {character_id}"))
        elif not character.ready:
            errors.append(FieldError(field="character_id", rule="ready", message=f"{character_id} is not ready yet"))
    return errors


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


def _invalid(errors: list[FieldError]) -> Problem:
    detail = "; ".join(error.message for error in errors)
    return Problem(type="ValidationFailed", code="validation_failed", detail=detail, errors=errors)


def _not_found(what: str) -> Problem:
    return Problem(type="NotFound", code=f"{what}_not_found", detail=f"no such {what}")


def _register_user(state: ShardState, request: UserRegistrationRequested) -> list[LedgerRecord]:
    account_id = request.envelope.account_id
    if account_id in state.accounts:
        return [decided(request, Outcome.DUPLICATE, task_id=account_id)]
    event = draft(
        UserRegistered,
        account_id,
        account_id,
        request.request.request_id,
        tier=request.tier,
        role=request.role,
        key_id=request.new_key_id,
        limits=TIER_LIMITS[request.tier],
    )
    return [event, decided(request, Outcome.ACCEPTED, task_id=account_id)]


def _change_limit(request: QuotaLimitRequested) -> list[LedgerRecord]:
    account_id = request.envelope.account_id
    errors = []
    if request.resource not in quota.RESOURCES:
        errors.append(FieldError(field="resource", rule="enum", message=f"is one of {', '.join(quota.RESOURCES)}"))
    if request.limit < 0:
        errors.append(FieldError(field="limit", rule="minimum", message="is at least 0"))
    if errors:
        return [decided(request, Outcome.REJECTED, problem=_invalid(errors))]
    event = draft(
        QuotaLimitChanged,
        account_id,
        account_id,
        request.request.request_id,
        resource=request.resource,
        limit=request.limit,
    )
    return [event, decided(request, Outcome.ACCEPTED, task_id=account_id)]


def _register_asset(request: AssetSubmitted) -> list[LedgerRecord]:
    event = draft(
        AssetRegistered,
        request.envelope.account_id,
        request.asset_id,
        request.request.request_id,
        asset_id=request.asset_id,
        body_hash=request.request.body_hash,
        sha256=request.sha256,
        size=request.size,
        content_type=request.content_type,
        width=request.width,
        height=request.height,
        sealed=request.sealed,
    )
    return [event, decided(request, Outcome.ACCEPTED, task_id=request.asset_id)]


def _registered(request: CharacterSubmitted) -> CharacterRegistered:
    return draft(
        CharacterRegistered,
        request.envelope.account_id,
        request.character_id,
        request.request.request_id,
        character_id=request.character_id,
        task_id=request.request.task_id,
        photo_count=request.photo_count,
        sealed=request.sealed,
    )
