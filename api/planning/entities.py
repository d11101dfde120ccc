"""Requests about things that are no renders of their own: characters, assets, accounts, cancellations."""

from __future__ import annotations

from collections.abc import Sequence

from api.bodies.users import CharacterBody, UserBody
from api.planning.call import Call, Seal
from schemas.common import StageKind, StagePlan, Tier
from schemas.requests import (
    AssetSubmitted,
    CancellationRequested,
    CharacterSubmitted,
    HoldRequested,
    ReleaseRequested,
    UserRegistrationRequested,
    VerificationRequested,
)
from schemas.specs import EmbeddingSpec, FaceRef, VerifySpec

EMBEDDING_STAGE = StageKind.EMBEDDING.value
PNG = "image/png"


def photo_keys(account_id: str, character_id: str, count: int) -> list[str]:
    """Object keys of a character's re-encoded photos."""
    return [f"accounts/{account_id}/characters/{character_id}/photo-{n:02d}.png" for n in range(1, count + 1)]


def revised_keys(account_id: str, character_id: str, task_id: str, count: int) -> list[str]:
    """Object keys of the photos of a later revision; those of the earlier ones stay as they are."""
    folder = f"accounts/{account_id}/characters/{character_id}"
    return [f"{folder}/{task_id}-photo-{n:02d}.png" for n in range(1, count + 1)]


def verified_key(account_id: str, character_id: str, task_id: str) -> str:
    """Object key of a photo that is compared with a character."""
    return f"accounts/{account_id}/characters/{character_id}/{task_id}-verify.png"


def asset_key(account_id: str, asset_id: str, sha256: str) -> str:
    """Object key of a re-encoded upload. Its hash is part of it: another picture under one id cannot replace the first."""
    return f"accounts/{account_id}/assets/{asset_id}-{sha256[:16]}.png"


def asset_id_of(text: str, account_id: str) -> str:
    """The asset id in what a client wrote: the id itself or the object key of one of its assets; else the text."""
    prefix = f"accounts/{account_id}/assets/"
    return text.removeprefix(prefix)[:36] if text.startswith(prefix) else text


def character_request(
    body: CharacterBody, call: Call, seal: Seal, keys: Sequence[str], character_id: str = "", *, revises: bool = False
) -> CharacterSubmitted:
    """One stage "embedding" over all photos; the profile is private and goes sealed. `character_id` "" = a new one."""
    stage = _face_stage(body.encoder, seal.spec(EmbeddingSpec(name=body.name, photo_keys=list(keys))), len(keys))
    profile = {**body.model_dump(mode="json"), "photo_keys": list(keys)}
    return CharacterSubmitted(
        envelope=call.envelope(),
        request=call.info(),
        stages=[stage],
        character_id=character_id or call.entity_id("character"),
        photo_count=len(keys),
        sealed=seal.json(profile, "profile"),
        revises=revises,
    )


def verification_request(
    call: Call, seal: Seal, *, character_id: str, face: FaceRef, photo_key: str
) -> VerificationRequested:
    """One stage that compares the photo with the character, by the encoder that made the character's vector."""
    stage = _face_stage(face.encoder, seal.spec(VerifySpec(photo_key=photo_key, face=face)), 1)
    return VerificationRequested(
        envelope=call.envelope(),
        request=call.info(),
        stages=[stage],
        character_ids=[character_id],
        sealed=seal.json({"character_id": character_id, "photo_key": photo_key}, "request"),
    )


def _face_stage(engine: str, sealed: bytes, photos: int) -> StagePlan:
    return StagePlan(
        stage_id=EMBEDDING_STAGE,
        kind=StageKind.EMBEDDING,
        engine=engine,
        sealed=sealed,
        work=photos,
        deliver=True,
    )


def asset_request(
    call: Call, seal: Seal, *, key: str, filename: str, sha256: str, size: int, width: int, height: int
) -> AssetSubmitted:
    """A picture that is already stored under `key`. Sizes in bytes and pixels."""
    return AssetSubmitted(
        envelope=call.envelope(),
        request=call.info(),
        asset_id=call.task_id,
        sha256=sha256,
        size=size,
        content_type=PNG,
        width=width,
        height=height,
        sealed=seal.json({"key": key, "filename": filename}, "asset"),
    )


def user_request(body: UserBody, call: Call, new_key_id: str) -> UserRegistrationRequested:
    """A new member account."""
    return UserRegistrationRequested(
        envelope=call.envelope(), request=call.info(), tier=Tier(body.tier), role="member", new_key_id=new_key_id
    )


def cancellation_request(call: Call) -> CancellationRequested:
    """Stop the task; asking twice is the same as asking once."""
    return CancellationRequested(envelope=call.envelope(), request=call.info())


def hold_request(call: Call) -> HoldRequested:
    """Give no further stage of the task to a device."""
    return HoldRequested(envelope=call.envelope(), request=call.info())


def release_request(call: Call) -> ReleaseRequested:
    """Let a held task go on."""
    return ReleaseRequested(envelope=call.envelope(), request=call.info())
