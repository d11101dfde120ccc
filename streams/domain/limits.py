"""What an account may ask for at once, and which characters it may name. Every broken rule is told at the same time."""

from __future__ import annotations

from schemas.common import FieldError, Limits, Problem, StagePlan
from schemas.requests import CharacterSubmitted, ImageRequested, VideoRequested, WorkRequest
from streams.domain.plans import plan_errors
from streams.domain.state import ShardState


def stages_of(request: WorkRequest) -> list[StagePlan]:
    """The stages known at admission: a film's plan, or the script stage that will make one."""
    if not isinstance(request, VideoRequested):
        return request.stages
    if request.plan is not None:
        return request.plan.stages
    return [request.script] if request.script is not None else []


def limit_errors(limits: Limits, request: WorkRequest) -> list[FieldError]:
    """Which of the account's limits the request breaks."""
    stages = stages_of(request)
    errors = plan_errors(stages)
    if not stages:
        errors.append(FieldError(field="stages", rule="min_length", message="there is nothing to render"))
    if isinstance(request, ImageRequested | VideoRequested):
        errors += _size_errors(limits, request.width, request.height)
    if isinstance(request, VideoRequested) and request.plan is not None:
        errors += film_errors(limits, request.plan.duration_ms, request.plan.frames)
    return errors


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


def _size_errors(limits: Limits, width: int, height: int) -> list[FieldError]:
    long, short = max(width, height), min(width, height)
    most_long, most_short = max(limits.max_width, limits.max_height), min(limits.max_width, limits.max_height)
    if long <= most_long and short <= most_short:
        return []
    message = f"{width}x{height} exceeds the account's {limits.max_width}x{limits.max_height} (either orientation)"
    return [FieldError(field="resolution", rule="max_resolution", message=message)]


def character_errors(state: ShardState, request: WorkRequest) -> list[FieldError]:
    """Which named characters are not the account's or not ready, or exist already where a new one is submitted."""
    errors = []
    named = list(getattr(request, "character_ids", []))
    if isinstance(request, CharacterSubmitted) and request.revises:
        named.append(request.character_id)
    elif isinstance(request, CharacterSubmitted) and request.character_id in state.characters:
        errors.append(FieldError(field="character_id", rule="unique", message="the character exists already"))
    for character_id in named:
        character = state.characters.get(character_id)
        if character is None or character.erased or character.account_id != request.envelope.account_id:
            errors.append(FieldError(field="character_id", rule="exists", message=f"no character {character_id}"))
        elif not character.ready:
            errors.append(FieldError(field="character_id", rule="ready", message=f"{character_id} is not ready yet"))
    return errors


def not_retryable(state: ShardState, request: WorkRequest) -> Problem | None:
    """Why the task that the request repeats by hand cannot be repeated, as far as it is remembered."""
    first, account_id = request.request.retry_of, request.envelope.account_id
    task, seen = state.tasks.get(first), state.remembered.get(first)
    if not first or (task is None and seen is None):
        return None
    if account_id not in {known.account_id for known in (task, seen) if known is not None}:
        return not_found("task")
    status = task.status if task is not None else seen.status if seen is not None else ""
    if status in ("failed", "cancelled"):
        return None
    detail = f"the task is {status}; only a failed, expired or cancelled task can be retried"
    return Problem(type="NotRetryable", code="not_retryable", detail=detail)


def invalid(errors: list[FieldError]) -> Problem:
    """The refusal that names them all."""
    detail = "; ".join(error.message for error in errors)
    return Problem(type="ValidationFailed", code="validation_failed", detail=detail, errors=errors)


def not_found(what: str) -> Problem:
    """The refusal for an id nobody knows, or that is somebody else's."""
    return Problem(type="NotFound", code=f"{what}_not_found", detail=f"no such {what}")
