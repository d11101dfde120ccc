"""The `upscale` engine: a picture made larger, by a super-resolution pipeline if one is configured, by Lanczos if not."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from PIL import Image

from gpu_agents.engines.base import EngineKind, Estimate, RenderContext, RenderOutput
from gpu_agents.engines.diffusion.adapters import reference_picture
from gpu_agents.engines.diffusion.by_model import ByModel
from gpu_agents.engines.diffusion.libraries import insist_on_libraries
from gpu_agents.engines.diffusion.loading import Loaded, load_pipeline
from gpu_agents.engines.diffusion.memory_errors import with_less_memory
from gpu_agents.engines.diffusion.output import file_output, model_facts
from gpu_agents.media.recipe import make_recipe
from gpu_agents.models import shelf
from gpu_agents.models.checking import check_present
from gpu_agents.models.entry import ModelEntry, ModelKind
from gpu_agents.models.offers import model_of
from schemas.errors import RenderError
from schemas.specs import Spec, UpscaleSpec

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "pillow")
STEPS = 20  # of a pipeline whose model names no other number
MAX_SIDE = 8192


class UpscaleEngine(ByModel):
    """Upscale engine `upscale`; `upscale/NAME` runs that model, without a name the default one or, without any, Lanczos."""

    name: ClassVar[str] = "upscale"
    kind: ClassVar[EngineKind] = EngineKind.UPSCALE
    version: ClassVar[str] = "1"

    def setup(self) -> None:
        """Find the model's files if there is a model. Raises `ConfigurationError` naming what is missing."""
        entry = self.entry()
        if entry is not None:
            insist_on_libraries()
            check_present(entry, shelf.registry())

    def entry(self) -> ModelEntry | None:
        """The model this engine runs, None for Lanczos. Raises `ConfigurationError` for a name that is not there."""
        if not self._model and not shelf.registry().of_kind(ModelKind.UPSCALE):
            return None
        return model_of(shelf.registry(), self._model, ModelKind.UPSCALE)

    def estimate(self, spec: Spec) -> Estimate:
        """A second a megapixel by Lanczos, a minute by a model."""
        wanted = _check(spec)
        pixels = wanted.width * wanted.height / 1e6
        return Estimate(seconds=pixels * (1.0 if self.entry() is None else 60.0), steps=STEPS)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Make "main" of exactly the asked size and "thumbnail". Raises `RenderError` for a missing or unusable picture."""
        wanted, entry = _check(spec), self.entry()
        path = context.inputs.get(wanted.source_stage)
        if path is None:
            message = f"source_stage: there is no input file of stage {wanted.source_stage!r}"
            raise RenderError(message, code="missing_input")
        source, size = reference_picture(path), (wanted.width, wanted.height)
        facts: dict[str, Any] = {"method": "lanczos"}
        libraries: tuple[str, ...] = ("pillow",)
        context.check_cancelled()
        if entry is None:
            larger = source
        else:
            with shelf.model_cache().use(entry.name, entry.memory_bytes, lambda: load_pipeline(entry)) as loaded:
                larger, _ = with_less_memory(
                    lambda: _enlarge(loaded, source, wanted, context), lambda: _relieve(loaded)
                )
                facts, libraries = model_facts(loaded) | {"seed": wanted.seed, "lean": loaded.lean}, LIBRARIES
        facts |= {"width": wanted.width, "height": wanted.height, "output_format": wanted.output_format}
        recipe = make_recipe(self.name, self.version, wanted, facts, {wanted.source_stage: path}, libraries)
        summary = {
            "method": entry.name if entry else "lanczos",
            "from": f"{source.width}x{source.height}",
            "made": f"{larger.width}x{larger.height}",
        }
        finished = larger.resize(size, Image.Resampling.LANCZOS)
        context.progress(1, 1)
        return file_output(finished, wanted.output_format, context, recipe, summary)

    def cancel(self) -> None:
        """The callback after each step asks the context."""


def _enlarge(loaded: Loaded, source: Image.Image, wanted: UpscaleSpec, context: RenderContext) -> Image.Image:
    """The picture as the pipeline makes it, usually four times as large each way."""
    import torch

    pipeline, defaults = loaded.pipeline, loaded.checked.entry.defaults
    accepted = inspect.signature(pipeline.__call__).parameters
    steps = defaults.steps or STEPS

    def told(step: int, *_: Any) -> None:
        context.progress(min(step + 1, steps), steps + 1)

    def after_step(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        told(step)
        return tensors

    given: dict[str, Any] = {
        "prompt": wanted.prompt,
        "image": source,
        "num_inference_steps": steps,
        "generator": torch.Generator("cpu").manual_seed(wanted.seed),
        **({"guidance_scale": defaults.guidance_scale} if defaults.guidance_scale >= 0 else {}),
        **({"callback_on_step_end": after_step} if "callback_on_step_end" in accepted else {"callback": told}),
    }
    try:
        result = pipeline(**{name: value for name, value in given.items() if name in accepted})
    finally:
        pipeline.maybe_free_model_hooks()
    picture: Image.Image = result.images[0]
    return picture


def _relieve(loaded: Loaded) -> None:
    shelf.model_cache().drop_others()
    loaded.make_lean()


def _check(spec: Spec) -> UpscaleSpec:
    if not isinstance(spec, UpscaleSpec):
        raise RenderError(f"spec: the upscale engine enlarges pictures, not {type(spec).__name__}", code="spec_kind")
    for field, side in (("width", spec.width), ("height", spec.height)):
        if not 1 <= side <= MAX_SIDE:
            raise RenderError(f"{field}: {side} is not from 1 to {MAX_SIDE}", code="bad_spec")
    return spec
