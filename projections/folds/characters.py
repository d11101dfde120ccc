"""Character events into characters and their images."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from projections.folds.guard import is_old, unexpected
from schemas.common import Artifact, Problem
from schemas.entities import AnyCharacterEvent, CharacterErased, CharacterFailed, CharacterReady, CharacterRegistered
from schemas.envelope import EPOCH

DIMENSIONS = 768


class Revision(Struct, frozen=True, kw_only=True):
    """A version of a character: the task that made it, its pictures. What was found out about its photos is in the task."""

    revision: int
    task_id: str
    created_at: datetime = EPOCH
    photo_count: int = 0
    artifacts: list[Artifact] = []


class CharacterRow(Struct, frozen=True, kw_only=True):
    """A character. `sealed` is its profile, `sealed_result` embedding, faces and consistency of `revision` (ciphertext).

    `photo_count` is of the newest submission, `revisions` are those that became ready, oldest first. An erased one has
    neither, nor files.
    """

    character_id: str
    account_id: str = ""
    task_id: str = ""
    status: Literal["processing", "ready", "failed", "erased"] = "processing"
    revision: int = 0
    photo_count: int = 0
    artifacts: list[Artifact] = []
    problem: Problem | None = None
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    sealed: bytes = b""
    sealed_result: bytes = b""
    revisions: list[Revision] = []
    shard_seq: int = 0


class CharacterImageRow(Struct, frozen=True, kw_only=True):
    """One stored picture of a revision of a character."""

    character_id: str
    revision: int
    key: str
    account_id: str = ""
    role: str = ""
    sha256: str = ""
    size: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    shard_seq: int = 0


class Embedding(Struct, frozen=True, kw_only=True):
    """A vector of 768 numbers for search; shorter ones are filled up with zeros, which changes no cosine."""

    encoder: str
    vector: list[float]


def apply_character(row: CharacterRow | None, event: AnyCharacterEvent) -> CharacterRow:
    """The character after the event. Raises `ContractError` for an outcome of an unknown character."""
    if row is not None and is_old(row, event):
        return row
    at, shard_seq = event.envelope.occurred_at, event.stamp.shard_seq
    if isinstance(event, CharacterRegistered):
        if row is not None and row.status == "ready":
            new = {"photo_count": event.photo_count, "sealed": event.sealed, "updated_at": at, "shard_seq": shard_seq}
            return replace(row, **new)  # goes on as it is until the next revision is ready
        return CharacterRow(
            character_id=event.character_id,
            account_id=event.envelope.account_id,
            task_id=event.task_id,
            photo_count=event.photo_count,
            created_at=row.created_at if row else at,
            updated_at=at,
            sealed=event.sealed,
            shard_seq=shard_seq,
        )
    if row is None:
        raise unexpected(event, f"character {event.character_id} is unknown")
    row = replace(row, updated_at=at, shard_seq=shard_seq)
    if isinstance(event, CharacterErased):
        gone: dict[str, Any] = {"artifacts": [], "problem": None, "sealed": b"", "sealed_result": b"", "revisions": []}
        return replace(row, status="erased", **gone)
    if row.status == "erased":
        return row  # its task ended after it
    match event:
        case CharacterReady():
            return replace(
                row,
                task_id=event.task_id,
                status="ready",
                revision=event.revision,
                artifacts=event.artifacts,
                problem=None,
                sealed_result=event.sealed,
                revisions=[*row.revisions, _revision(row, event)],
            )
        case CharacterFailed():
            return replace(row, status="failed" if row.revision == 0 else "ready", problem=event.problem)
    assert_never(event)


def _revision(row: CharacterRow, event: CharacterReady) -> Revision:
    return Revision(
        revision=event.revision,
        task_id=event.task_id,
        created_at=event.envelope.occurred_at,
        photo_count=row.photo_count,
        artifacts=event.artifacts,
    )


def image_rows(event: CharacterReady) -> list[CharacterImageRow]:
    """The pictures of the new revision."""
    return [
        CharacterImageRow(
            character_id=event.character_id,
            revision=event.revision,
            key=artifact.key,
            account_id=event.envelope.account_id,
            role=artifact.role,
            sha256=artifact.sha256,
            size=artifact.size,
            content_type=artifact.content_type,
            width=artifact.width,
            height=artifact.height,
            shard_seq=event.stamp.shard_seq,
        )
        for artifact in event.artifacts
    ]


def blank_images(row: CharacterRow) -> list[CharacterImageRow]:
    """The pictures of a character that is about to be erased: what is left is that there were some."""
    return [
        CharacterImageRow(
            character_id=row.character_id, revision=version.revision, key=artifact.key, account_id=row.account_id
        )
        for version in row.revisions
        for artifact in version.artifacts
    ]


def embedding_of(result: Mapping[str, Any] | None) -> Embedding | None:
    """The vector in an opened result {"data": {"embedding": [...], "encoder": name}}; None when erased or not usable."""
    data = (result or {}).get("data")
    if not isinstance(data, Mapping):
        return None
    values, encoder = data.get("embedding"), data.get("encoder")
    if not isinstance(values, list) or not isinstance(encoder, str) or not 0 < len(values) <= DIMENSIONS:
        return None
    if not all(isinstance(value, int | float) for value in values):
        return None
    return Embedding(encoder=encoder, vector=[float(value) for value in values] + [0.0] * (DIMENSIONS - len(values)))
