"""The stages of a film that make its pictures: stills, enlarged stills, clips. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from schemas.common import StageKind, StagePlan
from schemas.film_options import FilmOptions
from schemas.specs import CharacterRef, ClipSpec, ShotSpec, Spec, StoryboardShot, UpscaleSpec

OVERLAP_SECONDS = 0.35  # half of a crossfade or wipe
IN_A_FRAME = 3  # characters that a shot shows at most


def shot_spec(shot: StoryboardShot, options: FilmOptions, seed: int) -> ShotSpec:
    """The still of one shot."""
    image_key = options.image_keys.get(shot.id, "")
    width, height = options.film_size if image_key else (options.width, options.height)
    return ShotSpec(
        prompt=shot.prompt,
        negative_prompt=options.negative_prompt,
        style=options.style,
        camera=shot.camera,
        lighting=shot.lighting,
        mood=shot.mood,
        width=width,
        height=height,
        seed=seed,
        steps=options.steps,
        guidance_scale=options.guidance_scale,
        characters=[options.characters[known] for known in characters_of([shot], options.characters)],
        image_key=image_key,
    )


def shot_work(width: int, height: int) -> int:
    """Size of a picture job: thousandths of a megapixel, at least 1."""
    return max(1, width * height // 1000)


def still_stage(
    stage_id: str, shot: StoryboardShot, number: int, options: FilmOptions, seal: Callable[[Spec], bytes]
) -> StagePlan:
    """The stage that draws a still."""
    seed = options.seed + number
    spec = shot_spec(shot, options, seed)
    return StagePlan(
        stage_id=stage_id,
        kind=StageKind.SHOT,
        engine=options.image_engine,
        sealed=seal(spec),
        seed=seed,
        work=shot_work(spec.width, spec.height),
        max_attempts=options.max_attempts,
        character_ids=characters_of([shot], options.characters),
    )


def large_stage(
    stage_id: str,
    still: str,
    shot: StoryboardShot,
    number: int,
    options: FilmOptions,
    seal: Callable[[Spec], bytes],
) -> StagePlan:
    """The stage that enlarges a still to the film's size."""
    seed = options.seed + number
    width, height = options.film_size
    return StagePlan(
        stage_id=stage_id,
        kind=StageKind.UPSCALE,
        engine=options.upscale_engine,
        sealed=seal(UpscaleSpec(source_stage=still, width=width, height=height, prompt=shot.prompt, seed=seed)),
        seed=seed,
        work=shot_work(width, height),
        depends_on=[still],
        max_attempts=options.max_attempts,
    )


def clip_stage(
    stage_id: str,
    still: str,
    shot: StoryboardShot,
    number: int,
    before: StoryboardShot | None,
    options: FilmOptions,
    seal: Callable[[Spec], bytes],
) -> StagePlan:
    """The stage that sets a still in motion, for as long as it is seen, transitions included."""
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


def characters_of(shots: Sequence[StoryboardShot], known: Mapping[str, CharacterRef]) -> list[str]:
    """Ids of the known characters a storyboard shows, in order of appearance."""
    return list(dict.fromkeys(who for shot in shots for who in _shown_in(shot, known)))


def _shown_in(shot: StoryboardShot, known: Mapping[str, CharacterRef]) -> list[str]:
    """Whom the shot is about first, then whoever else it names, as far as known; at most IN_A_FRAME."""
    by_name = {character.name: character_id for character_id, character in known.items()}
    named = [shot.character_id, *(by_name.get(name, "") for name in shot.characters)]
    return [who for who in dict.fromkeys(named) if who in known][:IN_A_FRAME]
