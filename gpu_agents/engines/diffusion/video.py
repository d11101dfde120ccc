"""The `diffusers-video` engine: a shot's still set in motion by a video model of diffusers."""

from __future__ import annotations

from typing import Any, ClassVar

from PIL import ImageOps

from gpu_agents.engines.base import EngineKind, Estimate, OutputFile, RenderContext, RenderOutput
from gpu_agents.engines.diffusion.adapters import reference_picture
from gpu_agents.engines.diffusion.by_model import ByModel
from gpu_agents.engines.diffusion.clips import write_clip
from gpu_agents.engines.diffusion.libraries import insist_on_libraries
from gpu_agents.engines.diffusion.loading import Loaded, load_component, load_pipeline
from gpu_agents.engines.diffusion.memory_errors import with_less_memory
from gpu_agents.engines.diffusion.moving import Motion, move, plan_motion
from gpu_agents.engines.diffusion.output import model_facts
from gpu_agents.engines.sketch import files
from gpu_agents.media.frames import Bytes
from gpu_agents.media.recipe import make_recipe
from gpu_agents.models import shelf
from gpu_agents.models.checking import check_model, check_present
from gpu_agents.models.entry import ModelEntry, ModelKind
from gpu_agents.models.offers import model_of
from schemas.errors import RenderError
from schemas.specs import ClipSpec, Spec

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "imageio-ffmpeg")
FROM_PICTURES = {
    "LTXPipeline": "LTXImageToVideoPipeline"
}  # the same weights, read by a class that begins with a picture
SECONDS_A_FRAME = 4.0  # a megapixel, before anything was measured
LOAD_SECONDS = 120.0


class DiffusersVideoEngine(ByModel):
    """Clip engine `diffusers-video`; `diffusers-video/NAME` runs that model of the registry, without a name the default one.

    Models that read a picture (SVD, LTX, Wan) begin with the still; text-to-video models (AnimateDiff) are told the shot's
    words alone, which the summary says.
    """

    name: ClassVar[str] = "diffusers-video"
    kind: ClassVar[EngineKind] = EngineKind.CLIP
    version: ClassVar[str] = "1"

    def setup(self) -> None:
        """Find the libraries and the model's files. Raises `ConfigurationError` naming what is missing; loads nothing."""
        insist_on_libraries()
        check_present(self.entry(), shelf.registry())

    def entry(self) -> ModelEntry:
        """The model this engine runs. Raises `ConfigurationError` when there is none."""
        return model_of(shelf.registry(), self._model, ModelKind.VIDEO)

    def estimate(self, spec: Spec) -> Estimate:
        """Four seconds a frame and megapixel, and two minutes to load; measured times take over."""
        clip = _clip(spec)
        frames = max(1, round(clip.seconds * (self.entry().defaults.fps or clip.fps)))
        seconds = LOAD_SECONDS + SECONDS_A_FRAME * frames * clip.shot.width * clip.shot.height / 1e6
        return Estimate(seconds=seconds, steps=self.entry().defaults.steps or clip.shot.steps)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Make "main" (mp4, no sound, at the model's frame rate) and "thumbnail".

        Raises `RenderError`, or `ConfigurationError` when a file of the model is not what it should be.
        """
        clip, entry = _clip(spec), self.entry()
        path = context.inputs.get(clip.still_stage)
        if path is None:
            raise RenderError(
                f"still_stage: there is no input file of stage {clip.still_stage!r}", code="missing_input"
            )
        still = ImageOps.fit(reference_picture(path), (clip.shot.width, clip.shot.height))
        with shelf.model_cache().use(entry.name, entry.memory_bytes, lambda: _load(entry)) as loaded:
            motion = plan_motion(clip, loaded)
            frames, lean = with_less_memory(
                lambda: move(clip, loaded, motion, still, context), lambda: _relieve(loaded)
            )
            used = {clip.still_stage: path} if motion.from_still else {}
            recipe = make_recipe(self.name, self.version, clip, _parameters(clip, loaded, motion), used, LIBRARIES)
        return _output(frames, motion, entry, recipe, context, lean=lean)

    def cancel(self) -> None:
        """The callback after each step asks the context."""


def _load(entry: ModelEntry) -> Loaded:
    known = shelf.registry()
    parts = [known.get(item.model) for item in entry.attach]
    adapter = next((part for part in parts if part.kind is ModelKind.MOTION_ADAPTER), None)
    if adapter is None:
        return load_pipeline(entry, instead=FROM_PICTURES)
    checked = check_model(adapter, known)
    loaded = load_pipeline(
        entry, kind="AnimateDiffPipeline", motion_adapter=load_component(adapter, "MotionAdapter", checked.place)
    )
    loaded.adapters[adapter.name] = checked
    return loaded


def _clip(spec: Spec) -> ClipSpec:
    if not isinstance(spec, ClipSpec):
        raise RenderError(f"spec: the diffusers-video engine makes clips, not {type(spec).__name__}", code="spec_kind")
    return spec


def _relieve(loaded: Loaded) -> None:
    shelf.model_cache().drop_others()
    loaded.make_lean()


def _parameters(clip: ClipSpec, loaded: Loaded, motion: Motion) -> dict[str, Any]:
    facts = model_facts(loaded) | {"runs": motion.runs, "fps": motion.rule.fps, "steps": motion.steps}
    facts |= {"width": motion.size[0], "height": motion.size[1], "from_still": motion.from_still}
    facts |= {
        "seed": clip.shot.seed,
        "guidance_scale": loaded.checked.entry.defaults.guidance_scale,
        "lean": loaded.lean,
    }
    return facts | {"adapter_weights": {name: checked.weights for name, checked in loaded.adapters.items()}}


def _output(
    frames: list[Bytes],
    motion: Motion,
    entry: ModelEntry,
    recipe: dict[str, Any],
    context: RenderContext,
    *,
    lean: bool,
) -> RenderOutput:
    comment = f"storyreel {DiffusersVideoEngine.name} {DiffusersVideoEngine.version} recipe {recipe['recipe_id']}"
    main = write_clip(frames, motion.rule.fps, context.workdir / "clip.mp4", comment, context.check_cancelled)
    small = context.workdir / "thumbnail.jpg"
    small.write_bytes(files.small_jpeg(frames[len(frames) // 2], files.THUMBNAIL_SIDE))
    width, height = files.thumbnail_size(*motion.size)
    seconds = len(frames) / motion.rule.fps
    media = {"width": motion.size[0], "height": motion.size[1], "fps": motion.rule.fps, "duration": seconds}
    summary: dict[str, Any] = {
        "model": entry.name,
        "licence": entry.licence,
        "frames": len(frames),
        "fps": motion.rule.fps,
        "runs": len(motion.runs),
        "begins_with_the_still": motion.from_still,
    }
    if lean:
        summary["memory"] = "ran out once; made with less"
    return RenderOutput(
        files=[
            OutputFile(role="main", path=main, content_type="video/mp4", media=media),
            OutputFile(
                role="thumbnail", path=small, content_type="image/jpeg", media={"width": width, "height": height}
            ),
        ],
        recipe=recipe,
        summary=summary,
    )
