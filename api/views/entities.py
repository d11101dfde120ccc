"""Characters, assets, storyboards and usage as clients see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from api.language import Language
from api.planning.entities import asset_key
from api.sealing import AccountSeal
from api.views.faces import face_of, photo_keys_of
from api.views.task_models import ErrorView
from api.views.tasks import Sign, error_view
from projections.folds.assets import AssetRow
from projections.folds.characters import CharacterRow
from projections.folds.quotas import UsageRow
from projections.folds.storyboards import StoryboardRow
from schemas.common import Artifact, Limits
from schemas.specs import CharacterRef, StoryboardDraft


class CharacterView(Struct, frozen=True, kw_only=True):
    """A character. `status` is processing, ready, failed or erased; `portrait` a signed URL once it is ready."""

    character_id: str
    task_id: str
    name: str
    description: str
    metadata: dict[str, Any]
    status: str
    revision: int
    photo_count: int
    portrait: str | None
    summary: dict[str, Any] | None
    error: ErrorView | None
    created_at: datetime
    updated_at: datetime


class AssetView(Struct, frozen=True, kw_only=True):
    """An upload. `url` is signed and good until `url_expires_at`; `key` can stand in a scene's image_path."""

    asset_id: str
    key: str
    filename: str
    content_type: str
    size: int
    sha256: str
    width: int
    height: int
    url: str
    url_expires_at: datetime


class StoryboardView(Struct, frozen=True, kw_only=True):
    """A storyboard and its shots; duration in seconds."""

    storyboard_id: str
    task_id: str
    revision: int
    duration: float
    created_at: datetime
    updated_at: datetime
    storyboard: StoryboardDraft


class ResourceUsage(Struct, frozen=True, kw_only=True):
    """One resource today; `reserved` belongs to tasks that have not ended, `remaining` can still be asked for."""

    resource: str
    used: int
    reserved: int
    limit: int
    remaining: int


class DayUsage(Struct, frozen=True, kw_only=True):
    """A past day."""

    day: str
    resource: str
    used: int
    reserved: int


class UsageReport(Struct, frozen=True, kw_only=True):
    """Today's use against the limits, and the days before, newest first."""

    day: str
    today: list[ResourceUsage]
    history: list[DayUsage]
    limits: Limits


def portrait_of(row: CharacterRow) -> Artifact | None:
    """The cut-out portrait that shots draw."""
    return next((artifact for artifact in row.artifacts if artifact.role == "portrait"), None)


def character_ref(row: CharacterRow, seal: AccountSeal) -> CharacterRef:
    """What a shot needs of a ready character."""
    profile, result = seal.open(row.sealed, "profile"), seal.open(row.sealed_result, "result")
    portrait = portrait_of(row)
    return CharacterRef(
        character_id=row.character_id,
        name=str(profile.get("name", "")),
        description=str(profile.get("description", "")),
        portrait_key=portrait.key if portrait else "",
        revision=row.revision,
        photo_keys=photo_keys_of(result),
        face=face_of(result),
    )


async def character_view(row: CharacterRow, seal: AccountSeal, sign: Sign, language: Language) -> CharacterView:
    """The character with its private profile opened."""
    profile = seal.open(row.sealed, "profile")
    result = seal.open(row.sealed_result, "result")
    portrait = portrait_of(row)
    return CharacterView(
        character_id=row.character_id,
        task_id=row.task_id,
        name=profile.get("name", ""),
        description=profile.get("description", ""),
        metadata=profile.get("metadata", {}),
        status=row.status,
        revision=row.revision,
        photo_count=row.photo_count,
        portrait=await sign(portrait.key) if portrait else None,
        summary=result.get("summary"),
        error=error_view(row.problem, language),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def asset_view(row: AssetRow, seal: AccountSeal, sign: Sign, url_expires_at: datetime) -> AssetView:
    """The upload with its private file name opened."""
    private = seal.open(row.sealed, "asset")
    key = str(private.get("key") or asset_key(row.account_id, row.asset_id, row.sha256))
    return AssetView(
        asset_id=row.asset_id,
        key=key,
        filename=str(private.get("filename", "")),
        content_type=row.content_type,
        size=row.size,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        url=await sign(key),
        url_expires_at=url_expires_at,
    )


def draft_of(row: StoryboardRow, seal: AccountSeal) -> StoryboardDraft:
    """The shots of a storyboard. Raises `msgspec.ValidationError` if its script stage returned something else."""
    data = seal.open(row.sealed, "result").get("data", {})
    return msgspec.convert(data.get("storyboard"), StoryboardDraft)


def storyboard_view(row: StoryboardRow, seal: AccountSeal) -> StoryboardView:
    """The board as it is now."""
    return StoryboardView(
        storyboard_id=row.storyboard_id,
        task_id=row.task_id,
        revision=row.revision,
        duration=row.duration_ms / 1000,
        created_at=row.created_at,
        updated_at=row.updated_at,
        storyboard=draft_of(row, seal),
    )


def usage_report(rows: Sequence[UsageRow], limits: Limits, today: str) -> UsageReport:
    """Today's figures, zero where nothing was used yet, and the history, newest day first."""
    now = {row.resource: row for row in rows if row.day == today}
    allowed = {"images": limits.images_per_day, "videos": limits.videos_per_day}
    past = sorted((row for row in rows if row.day != today), key=lambda row: (row.day, row.resource), reverse=True)
    return UsageReport(
        day=today,
        today=[_today(name, now.get(name), limit) for name, limit in allowed.items()],
        history=[DayUsage(day=r.day, resource=r.resource, used=r.used, reserved=r.reserved) for r in past],
        limits=limits,
    )


def _today(resource: str, row: UsageRow | None, limit: int) -> ResourceUsage:
    used, reserved = (row.used, row.reserved) if row else (0, 0)
    left = max(0, limit - used - reserved)
    return ResourceUsage(resource=resource, used=used, reserved=reserved, limit=limit, remaining=left)
