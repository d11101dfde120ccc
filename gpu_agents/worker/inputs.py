"""Input files of a command: what the spec and the earlier stages name, brought from the object store and checked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gpu_agents import disk
from infra.object_store import ObjectStore
from schemas.common import Artifact
from schemas.errors import ObjectMissingError, RenderError, StoreError
from schemas.render import RenderCommand
from schemas.specs import (
    CharacterRef,
    ClipSpec,
    EmbeddingSpec,
    FilmSpec,
    MusicSpec,
    ScriptSpec,
    ShotSpec,
    Spec,
    SpeechSpec,
    UpscaleSpec,
    VerifySpec,
)

_PARALLEL = 8
_DAMAGED_AFTER = 4  # failed downloads of an object that the store nevertheless finds
# How many reference photos of each character an image engine reads, the best ones.
PHOTOS_READ = {"instantid": 10, "diffusers": 4}


def spec_keys(spec: Spec, engine: str = "") -> list[str]:
    """Object keys a spec names that the engine reads, each once, in their order: own pictures, portraits, photos."""
    match spec:
        case ShotSpec(image_key=image, characters=characters):
            keys = [image, *_portraits(characters)]
            most = PHOTOS_READ.get(engine.partition("/")[0], 0)
            keys += [key for character in characters for key in character.photo_keys[:most]]
        case ScriptSpec(characters=characters):
            keys = _portraits(characters)
        case EmbeddingSpec(photo_keys=photos):
            keys = list(photos)
        case VerifySpec(photo_key=photo):
            keys = [photo]
        case SpeechSpec() | MusicSpec() | FilmSpec() | ClipSpec() | UpscaleSpec():
            keys = []
    return [key for key in dict.fromkeys(keys) if key]


def stage_files(inputs: list[Artifact]) -> dict[str, Artifact]:
    """Stage id → its main file; other roles (thumbnails, subtitles) are no inputs."""
    return {artifact.stage_id: artifact for artifact in inputs if artifact.role == "main"}


async def fetch_inputs(store: ObjectStore, command: RenderCommand, spec: Spec, folder: Path) -> dict[str, Path]:
    """Download everything to `folder`, made when there is anything, and return it by stage id and object key.

    Raises `StoreError` when the store is away (try again) and `RenderError` when an object is gone, damaged or not the
    file that was recorded, or, as a retryable one, when this device has no room for it.
    """
    wanted = {stage_id: (artifact.key, artifact.sha256) for stage_id, artifact in stage_files(command.inputs).items()}
    wanted |= {key: (key, "") for key in spec_keys(spec, command.engine)}
    gate = asyncio.Semaphore(_PARALLEL)

    async def fetch(number: int, name: str, key: str, sha256: str) -> tuple[str, Path]:
        path = folder / f"{number:03d}{Path(key).suffix}"
        folder.mkdir(exist_ok=True)
        async with gate:
            await _download(store, name, key, sha256, path)
        return name, path

    tasks = [fetch(number, name, key, sha256) for number, (name, (key, sha256)) in enumerate(wanted.items())]
    return dict(await asyncio.gather(*tasks))


async def _download(store: ObjectStore, name: str, key: str, sha256: str, path: Path) -> None:
    for attempt in range(1, _DAMAGED_AFTER + 1):
        try:
            stored = await store.get_to_file(key, path)
        except ObjectMissingError as error:
            raise RenderError(f"the input {_public(name, key)} is missing", code="input_missing") from error
        except StoreError as error:
            if disk.is_full(error):
                raise RenderError("the device's disk is full", code=disk.FULL, retryable=True) from error
            found = await store.stat(key)  # raises when the store is away
            if attempt == _DAMAGED_AFTER:
                problem = "is damaged" if found is not None else "is missing"
                raise RenderError(f"the input {_public(name, key)} {problem}", code="input_damaged") from error
            continue
        if sha256 and stored.sha256 != sha256:
            message = f"the input {_public(name, key)} is not the file that was recorded"
            raise RenderError(message, code="input_changed")
        return


def _public(name: str, key: str) -> str:
    """How a message may name an input: stage ids yes, keys of a person's uploads no."""
    return f"of stage {name}" if name != key else "picture"


def _portraits(characters: list[CharacterRef]) -> list[str]:
    return [character.portrait_key for character in characters]
