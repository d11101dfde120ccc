"""The `diffusers` engine: any text-to-image pipeline of diffusers, from a folder of safetensors."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np
from PIL import Image, ImageOps

from gpu_agents.engines.base import EngineKind, Estimate, RenderContext, RenderOutput
from gpu_agents.engines.diffusion import adapters
from gpu_agents.engines.diffusion.by_model import ByModel
from gpu_agents.engines.diffusion.libraries import insist_on_libraries
from gpu_agents.engines.diffusion.loading import Loaded, load_pipeline
from gpu_agents.engines.diffusion.memory_errors import with_less_memory
from gpu_agents.engines.diffusion.output import picture_output, recipe_parameters
from gpu_agents.engines.diffusion.preview import Previewer
from gpu_agents.engines.diffusion.prompts import Encoded, encode
from gpu_agents.engines.diffusion.sizes import drawing_size
from gpu_agents.engines.diffusion.wording import shot_words
from gpu_agents.models import shelf
from gpu_agents.models.checking import check_present
from gpu_agents.models.entry import ModelEntry, ModelKind
from gpu_agents.models.offers import model_of
from schemas.errors import ConfigurationError, RenderError
from schemas.specs import ShotSpec, Spec

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "pillow")
SECONDS_A_STEP = 1.0  # a megapixel, before anything was measured
LOAD_SECONDS = 60.0


class DiffusersEngine(ByModel):
    """Image engine `diffusers`; `diffusers/NAME` runs that model of the registry, without a name the default one."""

    name: ClassVar[str] = "diffusers"
    kind: ClassVar[EngineKind] = EngineKind.IMAGE
    version: ClassVar[str] = "2"

    def setup(self) -> None:
        """Find the libraries and the model's files. Raises `ConfigurationError` naming what is missing and how to get it.

        Nothing is loaded: gigabytes wait for the first render that needs them.
        """
        insist_on_libraries()
        check_present(self.entry(), shelf.registry())

    def entry(self) -> ModelEntry:
        """The model this engine runs. Raises `ConfigurationError` when there is none."""
        return model_of(shelf.registry(), self._model, ModelKind.IMAGE)

    def estimate(self, spec: Spec) -> Estimate:
        """A second a step and megapixel, and a minute to load; measured times take over after the first renders."""
        shot = _shot(spec)
        steps = self.entry().defaults.steps or shot.steps
        return Estimate(seconds=LOAD_SECONDS + SECONDS_A_STEP * steps * shot.width * shot.height / 1e6, steps=steps)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Draw the shot. Raises `RenderError`, or `ConfigurationError` when a file of the model is not what it should be."""
        shot, entry = _shot(spec), self.entry()
        if shot.image_key:
            picture = _given(shot, context)
            return picture_output(
                picture, shot, context, {"engine": self.name, "version": self.version}, {"given": True}
            )
        with shelf.model_cache().use(entry.name, entry.memory_bytes, lambda: load_pipeline(entry)) as loaded:
            return self._draw(shot, loaded, context)

    def cancel(self) -> None:
        """The callback after each step asks the context."""

    def _draw(self, shot: ShotSpec, loaded: Loaded, context: RenderContext) -> RenderOutput:
        context.check_cancelled()
        entry, pipeline = loaded.checked.entry, loaded.pipeline
        chosen = adapters.choose_adapters(shot, entry, shelf.registry(), context.inputs)
        adapters.apply_loras(loaded, chosen.loras)
        shown = [adapters.reference_picture(context.inputs[key]) for key in chosen.references]
        more = adapters.apply_ip_adapter(loaded, chosen.ip_adapter, shown)
        accepted = frozenset(inspect.signature(pipeline.__call__).parameters)
        if "prompt" not in accepted:
            raise ConfigurationError(f"model {entry.name!r}: {type(pipeline).__name__} draws nothing from a prompt")
        size = drawing_size(shot.width, shot.height, entry.defaults.long_side, 2 * int(pipeline.vae_scale_factor))
        wanted = _arguments(shot, entry, size) | more
        encoded = encode(pipeline, shot_words(shot), shot.negative_prompt, accepted, entry.defaults.max_tokens)
        called = {name: value for name, value in wanted.items() if name in accepted}

        def draw() -> Any:
            return _call(pipeline, encoded, called, shot.seed, context)

        result, lean = with_less_memory(draw, lambda: _relieve(loaded))
        picture = result.images[0]
        if picture.size != (shot.width, shot.height):
            picture = picture.resize((shot.width, shot.height), Image.Resampling.LANCZOS)
        recipe = recipe_parameters(self, shot, loaded, called, chosen, context.inputs, LIBRARIES)
        return picture_output(picture, shot, context, recipe, _summary(loaded, encoded, size, result, lean=lean))


def _shot(spec: Spec) -> ShotSpec:
    if not isinstance(spec, ShotSpec):
        raise RenderError(f"spec: the diffusers engine draws shots, not {type(spec).__name__}", code="spec_kind")
    return spec


def _arguments(shot: ShotSpec, entry: ModelEntry, size: tuple[int, int]) -> dict[str, Any]:
    guidance = entry.defaults.guidance_scale
    return {
        "width": size[0],
        "height": size[1],
        "num_inference_steps": entry.defaults.steps or shot.steps,
        "guidance_scale": shot.guidance_scale if guidance < 0 else guidance,
    }


def _call(pipeline: Any, encoded: Encoded, called: dict[str, Any], seed: int, context: RenderContext) -> Any:
    import torch

    steps, previewer = called["num_inference_steps"], Previewer(pipeline, called["width"], called["height"])

    def after_step(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        context.progress(min(step + 1, steps), steps, previewer.look(tensors["latents"]))
        return tensors

    generator = torch.Generator("cpu").manual_seed(seed)  # the same noise on every device
    try:
        return pipeline(**encoded.arguments, **called, generator=generator, callback_on_step_end=after_step)
    finally:
        pipeline.maybe_free_model_hooks()


def _relieve(loaded: Loaded) -> None:
    shelf.model_cache().drop_others()
    loaded.make_lean()


def _given(shot: ShotSpec, context: RenderContext) -> Image.Image:
    """The picture that takes the place of drawing one, scaled to cover the frame."""
    path = context.inputs.get(shot.image_key)
    if path is None:
        raise RenderError(f"image_key: the input {shot.image_key!r} was not handed over", code="missing_input")
    context.progress(1, 1)
    return ImageOps.fit(adapters.reference_picture(path), (shot.width, shot.height), Image.Resampling.LANCZOS)


def _summary(loaded: Loaded, encoded: Encoded, size: tuple[int, int], result: Any, *, lean: bool) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "model": loaded.checked.entry.name,
        "licence": loaded.checked.entry.licence,
        "drawn_at": f"{size[0]}x{size[1]}",
        "prompt_tokens": encoded.tokens,
    }
    if encoded.is_cut:
        summary["warning"] = f"the prompt has {encoded.tokens} tokens; the model reads the first {encoded.used}"
    if any(np.atleast_1d(getattr(result, "nsfw_content_detected", None) or [False])):
        summary["withheld"] = "the model's safety checker blacked the picture out"
    if lean:
        summary["memory"] = "ran out once; drawn with less"
    return summary
