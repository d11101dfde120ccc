"""Requests that make no task: accounts, limits, uploads."""

from __future__ import annotations

from schemas.common import FieldError
from schemas.decisions import Outcome
from schemas.entities import AssetRegistered, CharacterRegistered, UserRegistered
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaLimitChanged
from schemas.requests import AssetSubmitted, CharacterSubmitted, QuotaLimitRequested, UserRegistrationRequested
from streams.domain import quota
from streams.domain.drafts import decided, draft
from streams.domain.limits import invalid
from streams.domain.policy import TIER_LIMITS
from streams.domain.state import ShardState


def register_user(state: ShardState, request: UserRegistrationRequested) -> list[LedgerRecord]:
    """Create an account with its tier's limits; one that exists stays as it is."""
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


def change_limit(request: QuotaLimitRequested) -> list[LedgerRecord]:
    """Set one daily limit of an account."""
    account_id = request.envelope.account_id
    errors = []
    if request.resource not in quota.RESOURCES:
        errors.append(FieldError(field="resource", rule="enum", message=f"is one of {', '.join(quota.RESOURCES)}"))
    if request.limit < 0:
        errors.append(FieldError(field="limit", rule="minimum", message="is at least 0"))
    if errors:
        return [decided(request, Outcome.REJECTED, problem=invalid(errors))]
    event = draft(
        QuotaLimitChanged,
        account_id,
        account_id,
        request.request.request_id,
        resource=request.resource,
        limit=request.limit,
    )
    return [event, decided(request, Outcome.ACCEPTED, task_id=account_id)]


def register_asset(request: AssetSubmitted) -> list[LedgerRecord]:
    """Record that an upload belongs to the account."""
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


def registered_character(request: CharacterSubmitted) -> CharacterRegistered:
    """The event that makes a submitted character known."""
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
