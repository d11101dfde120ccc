"""From a storyboard to the stages of a film: one still a shot, one spoken line where there is one, a music bed, the film.

Pure. The caller seals the specs: the API when the shots are known, an agent when a script engine just wrote them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from schemas.common import FilmPlan, StageKind, StagePlan
from schemas.specs import (
    CharacterRef,
    ClipSpec,
    FilmShot,
    FilmSpec,
    Language,
    Mood,
    MusicSpec,
    ShotSpec,
    Spec,
    SpeechSpec,
    StoryboardShot,
    VideoFormat,
)

MUSIC_STAGE = "music"
FILM_STAGE = "film"
OVERLAP_SECONDS = 0.35  # half of a crossfade or wipe


class FilmOptions(Struct, frozen=True, kw_only=True):
    """How to film a storyboard. Sizes in pixels; `characters` maps character ids to what the shots need of them."""

    title: str = ""
    language: Language = "en"
    style: str = ""
    width: int = 1280
    height: int = 768
    fps: int = 24
    audio: bool = True
    subtitles: bool = True
    output_format: VideoFormat = "mp4"
    seed: int = 0
    steps: int = 40
    guidance_scale: float = 7.5
    negative_prompt: str = ""
    image_engine: str = "sketch"
    clip_engine: str = ""  # makes every still move before the film is cut; "" = the camera moves over the stills
    video_engine: str = "animatic"
    speech_engine: str = "speech"
    music_engine: str = "tone"
    max_attempts: int = 2
    characters: dict[str, CharacterRef] = {}
    image_keys: dict[str, str] = {}  # shot id → object key of the caller's own picture


def plan_film(shots: Sequence[StoryboardShot], options: FilmOptions, seal: Callable[[Spec], bytes]) -> FilmPlan:
    """Stages "shot-01".., "clip-01".., "speech-01".., "music", "film" in the order of the storyboard; the film delivers.

    Clips are stages of their own, so that a device that dies costs one of them, and several devices share them.
    """
    stages: list[StagePlan] = []
    film_shots: list[FilmShot] = []
    for number, shot in enumerate(shots, start=1):
        still = f"shot-{number:02d}"
        stages.append(_still_stage(still, shot, number, options, seal))
        seen = still
        if options.clip_engine:
            seen = f"clip-{number:02d}"
            before = shots[number - 2] if number > 1 else None
            stages.append(_clip_stage(seen, still, shot, number, before, options, seal))
        line = shot.dialogue or shot.narration
        speech = f"speech-{number:02d}" if options.audio and line else ""
        if speech:
            stages.append(_speech_stage(speech, line, shot, options, seal))
        film_shots.append(_film_shot(shot, seen, speech, line))
    if options.audio:
        stages.append(_music_stage(shots, options, seal))
    duration = sum(shot.duration for shot in shots)
    frames = round(duration * options.fps)
    seen_stages = {shot.still_stage for shot in film_shots}
    needed = [s.stage_id for s in stages if s.kind is not StageKind.SHOT or s.stage_id in seen_stages]
    stages.append(_film_stage(film_shots, needed, frames, options, seal))
    return FilmPlan(stages=stages, shot_count=len(shots), duration_ms=round(duration * 1000), frames=frames)


def shot_spec(shot: StoryboardShot, options: FilmOptions, seed: int) -> ShotSpec:
    """The still of one shot."""
    wanted = [options.characters[shot.character_id]] if shot.character_id in options.characters else []
    return ShotSpec(
        prompt=shot.prompt,
        negative_prompt=options.negative_prompt,
        style=options.style,
        camera=shot.camera,
        lighting=shot.lighting,
        mood=shot.mood,
        width=options.width,
        height=options.height,
        seed=seed,
        steps=options.steps,
        guidance_scale=options.guidance_scale,
        characters=wanted,
        image_key=options.image_keys.get(shot.id, ""),
    )


def shot_work(width: int, height: int) -> int:
    """Size of a picture job: thousandths of a megapixel, at least 1."""
    return max(1, width * height // 1000)


def _still_stage(
    stage_id: str, shot: StoryboardShot, number: int, options: FilmOptions, seal: Callable[[Spec], bytes]
) -> StagePlan:
    seed = options.seed + number
    return StagePlan(
        stage_id=stage_id,
        kind=StageKind.SHOT,
        engine=options.image_engine,
        sealed=seal(shot_spec(shot, options, seed)),
        seed=seed,
        work=shot_work(options.width, options.height),
        max_attempts=options.max_attempts,
        character_ids=characters_of([shot], options.characters),
    )


def _clip_stage(
    stage_id: str,
    still: str,
    shot: StoryboardShot,
    number: int,
    before: StoryboardShot | None,
    options: FilmOptions,
    seal: Callable[[Spec], bytes],
) -> StagePlan:
    seed = options.seed + number
    seconds = shot.duration + _overlap(shot) + (_overlap(before) if before is not None else 0.0)
    still_spec = shot_spec(shot, options, seed)
    return StagePlan(
        stage_id=stage_id,
        kind=StageKind.CLIP,
        engine=options.clip_engine,
        sealed=seal(ClipSpec(shot=still_spec, still_stage=still, seconds=seconds, fps=options.fps)),
        seed=seed,
        work=max(1, round(seconds * options.fps)),
        depends_on=[still],
        max_attempts=options.max_attempts,
    )


def _overlap(shot: StoryboardShot) -> float:
    """Seconds that both pictures are seen at the end of a shot, on its side of the border."""
    return OVERLAP_SECONDS if shot.transition in ("crossfade", "wipe") else 0.0


def _speech_stage(
    stage_id: str, line: str, shot: StoryboardShot, options: FilmOptions, seal: Callable[[Spec], bytes]
) -> StagePlan:
    spec = SpeechSpec(text=line, language=options.language, max_seconds=max(0.5, shot.duration - 0.5))
    return StagePlan(
        stage_id=stage_id,
        kind=StageKind.SPEECH,
        engine=options.speech_engine,
        sealed=seal(spec),
        work=max(1, len(line)),
        max_attempts=options.max_attempts,
    )


def _music_stage(shots: Sequence[StoryboardShot], options: FilmOptions, seal: Callable[[Spec], bytes]) -> StagePlan:
    sections: list[tuple[Mood, float]] = []
    for shot in shots:
        if sections and sections[-1][0] == shot.mood:
            sections[-1] = (shot.mood, sections[-1][1] + shot.duration)
        else:
            sections.append((shot.mood, shot.duration))
    spec = MusicSpec(sections=sections, seed=options.seed)
    seconds = sum(length for _, length in sections)
    return StagePlan(
        stage_id=MUSIC_STAGE,
        kind=StageKind.MUSIC,
        engine=options.music_engine,
        sealed=seal(spec),
        seed=options.seed,
        work=max(1, round(seconds)),
        max_attempts=options.max_attempts,
    )


def _film_stage(
    shots: list[FilmShot], depends_on: list[str], frames: int, options: FilmOptions, seal: Callable[[Spec], bytes]
) -> StagePlan:
    spec = FilmSpec(
        shots=shots,
        width=options.width,
        height=options.height,
        fps=options.fps,
        language=options.language,
        title=options.title,
        subtitles=options.subtitles,
        audio=options.audio,
        music_stage=MUSIC_STAGE if options.audio else "",
        output_format=options.output_format,
        seed=options.seed,
    )
    return StagePlan(
        stage_id=FILM_STAGE,
        kind=StageKind.FILM,
        engine=options.video_engine,
        sealed=seal(spec),
        seed=options.seed,
        work=max(1, frames),
        depends_on=depends_on,
        max_attempts=options.max_attempts,
        deliver=True,
    )


def _film_shot(shot: StoryboardShot, still: str, speech: str, line: str) -> FilmShot:
    return FilmShot(
        shot_id=shot.id,
        duration=shot.duration,
        still_stage=still,
        speech_stage=speech,
        camera=shot.camera,
        transition=shot.transition,
        subtitle=line,
        speaker=shot.speaker if shot.dialogue else "",
    )


def characters_of(shots: Sequence[StoryboardShot], known: Mapping[str, CharacterRef]) -> list[str]:
    """Ids of the known characters a storyboard uses, in order of appearance."""
    return list(dict.fromkeys(shot.character_id for shot in shots if shot.character_id in known))
