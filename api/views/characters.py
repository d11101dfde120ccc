"""A character with what it is made of, what was made of it, and whom it resembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict

from api.language import Language
from api.sealing import AccountSeal
from api.views.entities import CharacterView, character_view
from api.views.tasks import Sign
from projections.folds.character_shots import CharacterShotRow
from projections.folds.characters import CharacterRow, Revision
from schemas.common import Artifact


class CharacterPhoto(Struct, frozen=True, kw_only=True):
    """A reference photo, numbered as it was handed in: signed URL, how good its face is (0-1 each), how like the others.

    An `outlier` was left out of the character's vector.
    """

    photo: int
    url: str
    quality: dict[str, float]
    similarity: float
    outlier: bool


class RevisionView(Struct, frozen=True, kw_only=True):
    """A version of the character; `encoder` names the vector space, similarities are cosines among its photos (-1 to 1)."""

    revision: int
    task_id: str
    created_at: datetime
    photo_count: int
    portrait: str | None
    encoder: str
    consistency: float | None
    least_similarity: float | None


class CharacterImage(Struct, frozen=True, kw_only=True):
    """A stored picture: `reference` is part of a revision, `generated` a shot that named the character.

    `score` is how like the character a generated one is (cosine), `reached` whether that is the threshold or more and
    `rolls` how many pictures were drawn for it; null where it could not be told. `same_person` is the answer of encoders
    that were trained to tell people apart, null from others; no score is a proof of identity.
    """

    kind: Literal["reference", "generated"]
    role: str
    key: str
    url: str
    revision: int | None
    task_id: str
    stage_id: str
    width: int
    height: int
    created_at: datetime
    score: float | None = None
    reached: bool | None = None
    same_person: bool | None = None
    rolls: int | None = None


class CharacterDetail(CharacterView, frozen=True, kw_only=True):
    """A character with its reference photos, its revisions (newest first) and its pictures, the newest 50 generated ones."""

    encoder: str
    photos: list[CharacterPhoto]
    revisions: list[RevisionView]
    images: list[CharacterImage]


class SimilarCharacter(Struct, frozen=True, kw_only=True):
    """One of the caller's characters and the cosine (-1 to 1) of its vector with the one asked about."""

    character_id: str
    name: str
    score: float
    portrait: str | None


class SimilarCharacters(Struct, frozen=True, kw_only=True):
    """Nearest first; only characters of the same encoder can be compared."""

    character_id: str
    encoder: str
    items: list[SimilarCharacter]


async def character_detail(
    row: CharacterRow,
    shots: Sequence[tuple[CharacterShotRow, bytes]],
    results: Mapping[str, bytes],
    seal: AccountSeal,
    sign: Sign,
    language: Language,
) -> CharacterDetail:
    """The whole character; `results` are the sealed results of the tasks that made its revisions."""
    base = asdict(await character_view(row, seal, sign, language))
    data = seal.open(row.sealed_result, "result").get("data") or {}
    revisions = [await _revision(item, results.get(item.task_id, b""), seal, sign) for item in row.revisions]
    images = [await _generated(shot, sealed, seal, sign) for shot, sealed in shots]
    images += [
        await _reference(artifact, version, sign) for version in row.revisions[::-1] for artifact in version.artifacts
    ]
    return CharacterDetail(
        **base,
        encoder=str(data.get("encoder", "")),
        photos=[await _photo(number, face, sign) for number, face in enumerate(data.get("faces", []), start=1)],
        revisions=revisions[::-1],
        images=images,
    )


async def similar_view(row: CharacterRow, score: float, seal: AccountSeal, sign: Sign) -> SimilarCharacter:
    """One neighbour."""
    portrait = _portrait(row.artifacts)
    return SimilarCharacter(
        character_id=row.character_id,
        name=str(seal.open(row.sealed, "profile").get("name", "")),
        score=round(score, 4),
        portrait=await sign(portrait.key) if portrait else None,
    )


async def _photo(number: int, face: Mapping[str, Any], sign: Sign) -> CharacterPhoto:
    return CharacterPhoto(
        photo=int(face.get("photo", number)),
        url=await sign(face["photo_key"]),
        quality={name: round(float(value), 4) for name, value in face["quality"].items()},
        similarity=round(float(face["similarity"]), 4),
        outlier=bool(face["outlier"]),
    )


async def _revision(version: Revision, sealed: bytes, seal: AccountSeal, sign: Sign) -> RevisionView:
    summary = _summary(sealed, seal)
    portrait = _portrait(version.artifacts)
    return RevisionView(
        revision=version.revision,
        task_id=version.task_id,
        created_at=version.created_at,
        photo_count=version.photo_count,
        portrait=await sign(portrait.key) if portrait else None,
        encoder=str(summary.get("encoder", "")),
        consistency=summary.get("consistency"),
        least_similarity=summary.get("least_similarity"),
    )


async def _reference(artifact: Artifact, version: Revision, sign: Sign) -> CharacterImage:
    return CharacterImage(
        kind="reference",
        role=artifact.role,
        key=artifact.key,
        url=await sign(artifact.key),
        revision=version.revision,
        task_id=version.task_id,
        stage_id=artifact.stage_id,
        width=artifact.width,
        height=artifact.height,
        created_at=version.created_at,
    )


async def _generated(shot: CharacterShotRow, sealed: bytes, seal: AccountSeal, sign: Sign) -> CharacterImage:
    told = _summary(sealed, seal).get("identity") or {}
    mine: dict[str, Any] = next(
        (item for item in told.get("characters", []) if item["character_id"] == shot.character_id), {}
    )
    score = mine.get("score")
    return CharacterImage(
        kind="generated",
        role="main",
        key=shot.key,
        url=await sign(shot.key),
        revision=None,
        task_id=shot.task_id,
        stage_id=shot.stage_id,
        width=shot.width,
        height=shot.height,
        created_at=shot.created_at,
        score=score,
        reached=None if score is None else score >= mine["threshold"],
        same_person=mine.get("same_person"),
        rolls=len(told["rolls"]) if told else None,
    )


def _summary(sealed: bytes, seal: AccountSeal) -> Mapping[str, Any]:
    """What a stage told people about its result; empty where there is none."""
    return (seal.open(sealed, "result").get("summary") if sealed else None) or {}


def _portrait(artifacts: Sequence[Artifact]) -> Artifact | None:
    return next((artifact for artifact in artifacts if artifact.role == "portrait"), None)
