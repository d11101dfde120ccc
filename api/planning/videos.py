"""VideoRequested and StoryboardRequested: a complete film plan where the shots are known, else the script stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from api.bodies.scripts import StoryboardBody
from api.bodies.videos import Scene, VideoBody
from api.engines import makes_clips
from api.language import text_language
from api.planning.call import Call, Seal, seed_for
from api.planning.reuse import reuse_hash
from schemas.common import FilmPlan, StageKind, StagePlan
from schemas.film import FilmOptions, characters_of, plan_film
from schemas.requests import StoryboardRequested, VideoRequested
from schemas.specs import CharacterRef, Language, ScriptSpec, StoryboardDraft, StoryboardShot

SCRIPT_STAGE = "script"
RULES_ENGINE = "rules"
FILM_ENGINE = "animatic"  # cuts the film where another engine makes the shots


def shots_of(scenes: Sequence[Scene]) -> list[StoryboardShot]:
    """The shots a client listed; a scene without an id gets one by its place that nothing else uses."""
    taken = {scene.id for scene in scenes if scene.id}
    shots = []
    for number, scene in enumerate(scenes, start=1):
        name = scene.id or f"scene-{number:02d}"
        while not scene.id and name in taken:
            name += "-"
        taken.add(name)
        shots.append(_shot(scene, name, number))
    return shots


def _shot(scene: Scene, name: str, number: int) -> StoryboardShot:
    return StoryboardShot(
        id=name,
        prompt=scene.prompt,
        duration=scene.duration,
        scene=number,
        camera=scene.scene_config.camera,
        lighting=scene.scene_config.lighting,
        mood=scene.scene_config.mood,
        transition=scene.transition,
        character_id=scene.character_id or "",
        narration=scene.narration,
    )


def cast(draft: StoryboardDraft, characters: Mapping[str, CharacterRef]) -> list[StoryboardShot]:
    """The shots of a storyboard; where no character was set, the first named one that is among `characters` plays."""
    by_name = {character.name: character_id for character_id, character in characters.items()}
    return [
        shot
        if shot.character_id
        else msgspec.structs.replace(
            shot, character_id=next((by_name[name] for name in shot.characters if name in by_name), "")
        )
        for shot in draft.shots
    ]


def cast_ids(draft: StoryboardDraft) -> list[str]:
    """Ids of the characters that a storyboard's shots name, in order of appearance."""
    return list(dict.fromkeys(shot.character_id for shot in draft.shots if shot.character_id))


def film_options(
    body: VideoBody,
    call: Call,
    language: Language,
    *,
    characters: Mapping[str, CharacterRef],
    image_keys: Mapping[str, str],
    title: str = "",
    film_size: tuple[int, int] | None = None,
) -> FilmOptions:
    """How the client wants the film; `film_size` is what its pictures are enlarged to, if they are."""
    width, height = body.video_config.size
    return FilmOptions(
        title=body.title or title,
        language=language,
        style=body.style,
        width=width,
        height=height,
        fps=body.video_config.fps,
        audio=body.video_config.audio,
        subtitles=body.video_config.subtitles,
        output_format=body.output_format,
        seed=seed_for(call.task_id) if body.seed is None else body.seed,
        steps=body.num_inference_steps,
        guidance_scale=body.guidance_scale,
        negative_prompt=body.negative_prompt,
        image_engine=body.image_engine,
        video_engine=FILM_ENGINE if makes_clips(body.engine) else body.engine,
        clip_engine=body.engine if makes_clips(body.engine) else "",
        upscale_engine=body.upscale_engine,
        film_width=film_size[0] if film_size else 0,
        film_height=film_size[1] if film_size else 0,
        characters=dict(characters),
        image_keys=dict(image_keys),
    )


def film_request(
    body: VideoBody, call: Call, seal: Seal, shots: Sequence[StoryboardShot], options: FilmOptions
) -> VideoRequested:
    """A film whose shots are known."""
    plan = plan_film(shots, options, seal.spec)
    character_ids = characters_of(shots, options.characters)
    reused = reuse_hash(seal, "film", body.seed, options, list(shots))
    return _video(body, call, seal, options, character_ids=character_ids, plan=plan, reused=reused)


def script_film_request(
    body: VideoBody, call: Call, seal: Seal, options: FilmOptions, *, script: str, max_duration_s: float
) -> VideoRequested:
    """A film from a script: the agent that writes the storyboard also makes the plan, with these options."""
    spec = ScriptSpec(
        text=script,
        language=body.language or "",
        style=body.style,
        target_duration=body.target_duration or 0.0,
        max_duration=max_duration_s,
        characters=list(options.characters.values()),
        film_options=msgspec.json.encode(options),
    )
    stage = _script_stage(RULES_ENGINE, seal, spec, deliver=False, attempts=options.max_attempts)
    reused = reuse_hash(seal, "script", body.seed, RULES_ENGINE, spec, options)
    return _video(body, call, seal, options, character_ids=list(options.characters), script=stage, reused=reused)


def _video(
    body: VideoBody,
    call: Call,
    seal: Seal,
    options: FilmOptions,
    *,
    character_ids: list[str],
    plan: FilmPlan | None = None,
    script: StagePlan | None = None,
    reused: str,
) -> VideoRequested:
    return VideoRequested(
        envelope=call.envelope(),
        request=call.info(reused),
        plan=plan,
        script=script,
        width=options.film_size[0],
        height=options.film_size[1],
        fps=options.fps,
        character_ids=character_ids,
        storyboard_id=body.storyboard_id or "",
        project=body.project or "",
        deadline=body.deadline,
        sealed=seal.json(body.model_dump(mode="json"), "request"),
    )


def storyboard_request(
    body: StoryboardBody, call: Call, seal: Seal, characters: Mapping[str, CharacterRef], max_duration_s: float
) -> StoryboardRequested:
    """One stage "script" whose result is the storyboard."""
    spec = ScriptSpec(
        text=body.script,
        language=body.language or "",
        style=body.style,
        target_duration=body.target_duration or 0.0,
        max_duration=max_duration_s,
        characters=list(characters.values()),
    )
    return StoryboardRequested(
        envelope=call.envelope(),
        request=call.info(),
        stages=[_script_stage(body.engine, seal, spec, deliver=True)],
        storyboard_id=call.entity_id("storyboard"),
        character_ids=list(characters),
        project=body.project or "",
        deadline=body.deadline,
        sealed=seal.json(body.model_dump(mode="json"), "request"),
    )


def _script_stage(engine: str, seal: Seal, spec: ScriptSpec, *, deliver: bool, attempts: int = 3) -> StagePlan:
    return StagePlan(
        stage_id=SCRIPT_STAGE,
        kind=StageKind.SCRIPT,
        engine=engine,
        sealed=seal.spec(spec),
        max_attempts=attempts,
        deliver=deliver,
    )


def language_of(body: VideoBody, shots: Sequence[StoryboardShot], script: str = "") -> Language:
    """The language of captions and speech: as asked, else that of the words."""
    if body.language is not None:
        return body.language
    spoken = script or "".join(shot.dialogue or shot.narration for shot in shots)
    return text_language(spoken or "".join(shot.prompt for shot in shots))
