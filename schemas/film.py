"""From a storyboard to the stages of a film: one still a shot, enlarged if asked, one spoken line where there is one, a
music bed, the film.

Pure. The caller seals the specs: the API when the shots are known, an agent when a script engine just wrote them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schemas.common import FilmPlan, StageKind, StagePlan
from schemas.film_options import FilmOptions
from schemas.film_pictures import IN_A_FRAME, characters_of, clip_stage, large_stage, shot_work, still_stage
from schemas.specs import FilmShot, FilmSpec, Mood, MusicSpec, Spec, SpeechSpec, StoryboardShot

__all__ = ["IN_A_FRAME", "FilmOptions", "characters_of", "plan_film", "shot_work"]

MUSIC_STAGE = "music"
FILM_STAGE = "film"


def plan_film(shots: Sequence[StoryboardShot], options: FilmOptions, seal: Callable[[Spec], bytes]) -> FilmPlan:
    """Stages "shot-01".., "large-01".., "clip-01".., "speech-01".., "music", "film" in the storyboard's order; the film
    delivers.

    Clips and enlarged stills are stages of their own, so that a device that dies costs one of them, and several devices
    share them. A picture of the caller's own is fitted to the film at once: drawn small and enlarged it would lose.
    """
    stages: list[StagePlan] = []
    film_shots: list[FilmShot] = []
    for number, shot in enumerate(shots, start=1):
        still = f"shot-{number:02d}"
        stages.append(still_stage(still, shot, number, options, seal))
        seen = still
        if options.film_size != (options.width, options.height) and shot.id not in options.image_keys:
            seen = f"large-{number:02d}"
            stages.append(large_stage(seen, still, shot, number, options, seal))
        if options.clip_engine:
            seen = f"clip-{number:02d}"
            before = shots[number - 2] if number > 1 else None
            stages.append(clip_stage(seen, still, shot, number, before, options, seal))
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
    width, height = options.film_size
    spec = FilmSpec(
        shots=shots,
        width=width,
        height=height,
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
