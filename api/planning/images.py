"""ImageRequested and AudioRequested: one stage for each picture or sound."""

from __future__ import annotations

from api.bodies.audio import AudioBody
from api.bodies.base import MAX_SEED
from api.bodies.images import ImageBody
from api.language import text_language
from api.planning.call import Call, Seal, seed_for
from api.planning.reuse import reuse_hash
from schemas.common import StageKind, StagePlan
from schemas.film import shot_work
from schemas.requests import AudioRequested, ImageRequested
from schemas.specs import CharacterRef, MusicSpec, ShotSpec, Spec, SpeechSpec

MUSIC_SECONDS = 30.0


def image_request(body: ImageBody, call: Call, seal: Seal, character: CharacterRef | None) -> ImageRequested:
    """`count` stages "shot-01".. with seeds that follow one another."""
    first = seed_for(call.task_id) if body.seed is None else body.seed
    specs = [_shot_spec(body, character, (first + number) % (MAX_SEED + 1)) for number in range(body.count)]
    return ImageRequested(
        envelope=call.envelope(),
        request=call.info(reuse_hash(seal, "images", body.seed, body.engine, specs)),
        stages=[_shot_stage(body, seal, spec, number) for number, spec in enumerate(specs, start=1)],
        width=body.width,
        height=body.height,
        character_ids=[character.character_id] if character else [],
        project=body.project or "",
        deadline=body.deadline,
        sealed=seal.json(body.model_dump(mode="json"), "request"),
    )


def _shot_spec(body: ImageBody, character: CharacterRef | None, seed: int) -> ShotSpec:
    return ShotSpec(
        prompt=body.prompt,
        negative_prompt=body.negative_prompt,
        style=body.style,
        camera=body.scene_config.camera,
        lighting=body.scene_config.lighting,
        mood=body.scene_config.mood,
        width=body.width,
        height=body.height,
        seed=seed,
        steps=body.num_inference_steps,
        guidance_scale=body.guidance_scale,
        output_format=body.output_format,
        characters=[character] if character else [],
    )


def _shot_stage(body: ImageBody, seal: Seal, spec: ShotSpec, number: int) -> StagePlan:
    return StagePlan(
        stage_id=f"shot-{number:02d}",
        kind=StageKind.SHOT,
        engine=body.engine,
        sealed=seal.spec(spec),
        seed=spec.seed,
        work=shot_work(body.width, body.height),
        max_attempts=3,
        deliver=True,
        character_ids=[character.character_id for character in spec.characters],
    )


def audio_request(body: AudioBody, call: Call, seal: Seal) -> AudioRequested:
    """One stage: "speech" for a text, "music" for a mood."""
    reused = ""
    if body.text is not None:
        stage = _sound_stage(
            StageKind.SPEECH, body.engine or "speech", seal, _speech(body, body.text), work=len(body.text)
        )
    else:
        music = _music(body, seed_for(call.task_id) if body.seed is None else body.seed)
        seconds = round(body.duration or MUSIC_SECONDS)
        reused = reuse_hash(seal, "music", body.seed, body.engine or "tone", music)
        stage = _sound_stage(StageKind.MUSIC, body.engine or "tone", seal, music, work=seconds, seed=music.seed)
    return AudioRequested(
        envelope=call.envelope(),
        request=call.info(reused),
        stages=[stage],
        project=body.project or "",
        deadline=body.deadline,
        sealed=seal.json(body.model_dump(mode="json"), "request"),
    )


def _speech(body: AudioBody, text: str) -> SpeechSpec:
    return SpeechSpec(
        text=text,
        language=body.language or text_language(text),
        voice=body.voice or "",
        speed=1.0 if body.speed is None else body.speed,
        output_format=body.format,
    )


def _music(body: AudioBody, seed: int) -> MusicSpec:
    return MusicSpec(
        sections=[(body.mood or "neutral", MUSIC_SECONDS if body.duration is None else body.duration)],
        ambience=bool(body.ambience),
        seed=seed,
        output_format=body.format,
    )


def _sound_stage(kind: StageKind, engine: str, seal: Seal, spec: Spec, *, work: int, seed: int = 0) -> StagePlan:
    return StagePlan(
        stage_id=kind.value,
        kind=kind,
        engine=engine,
        sealed=seal.spec(spec),
        seed=seed,
        work=max(1, work),
        max_attempts=3,
        deliver=True,
    )
