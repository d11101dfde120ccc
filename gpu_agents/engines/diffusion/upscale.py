"""The `upscale` engine: a picture made larger, by a super-resolution pipeline if one is ready, by Lanczos if not."""

from __future__ import annotations

import inspect
import logging
from typing import Any, ClassVar

from msgspec import Struct
from PIL import Image

from gpu_agents.engines.base import EngineKind, Estimate, RenderContext, RenderOutput
from gpu_agents.engines.diffusion.adapters import reference_picture
from gpu_agents.engines.diffusion.by_model import ByModel
from gpu_agents.engines.diffusion.libraries import insist_on_libraries
from gpu_agents.engines.diffusion.loading import Loaded, load_pipeline
from gpu_agents.engines.diffusion.memory_errors import with_less_memory
from gpu_agents.engines.diffusion.output import file_output, model_facts
from gpu_agents.engines.diffusion.tiles import enlarge_in_tiles, tile_boxes
from gpu_agents.media.recipe import make_recipe
from gpu_agents.models import shelf
from gpu_agents.models.checking import check_present
from gpu_agents.models.entry import ModelEntry, ModelKind
from gpu_agents.models.offers import model_of
from schemas.errors import ConfigurationError, RenderError
from schemas.specs import Spec, UpscaleSpec

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "pillow")
STEPS = 20  # of a pipeline whose model names no other number
TILE = 512  # pixels a side that a pipeline reads at once, if its model names no other number
LEAST_TILE = 64  # pipelines round sides to multiples of 64
MAX_SIDE = 8192
log = logging.getLogger(__name__)


class Work(Struct, frozen=True, kw_only=True):
    """What a model is to do: tiles of at most `side` pixels, `steps` each."""

    wanted: UpscaleSpec
    source: Image.Image
    side: int
    steps: int


class UpscaleEngine(ByModel):
    """Upscale engine `upscale`; `upscale/NAME` runs that model.

    Without a name it runs the default model if there is one whose files and libraries are here, else Lanczos; the recipe
    and the summary say which.
    """

    name: ClassVar[str] = "upscale"
    kind: ClassVar[EngineKind] = EngineKind.UPSCALE
    version: ClassVar[str] = "2"

    def __init__(self) -> None:
        super().__init__()
        self._entry: ModelEntry | None = None

    def setup(self) -> None:
        """Find the model's files. Raises `ConfigurationError` naming what a model asked for by name lacks."""
        self._entry = None
        if not self._model and not shelf.registry().of_kind(ModelKind.UPSCALE):
            return
        entry = model_of(shelf.registry(), self._model, ModelKind.UPSCALE)
        try:
            insist_on_libraries()
            check_present(entry, shelf.registry())
        except ConfigurationError as error:
            if self._model:
                raise
            log.warning("upscale enlarges by Lanczos: %s", error)
            return
        self._entry = entry

    def estimate(self, spec: Spec) -> Estimate:
        """A second a megapixel by Lanczos, a minute by a model."""
        wanted = _check(spec)
        pixels = wanted.width * wanted.height / 1e6
        return Estimate(seconds=pixels * (1.0 if self._entry is None else 60.0), steps=STEPS)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Make "main" of exactly the asked size and "thumbnail". Raises `RenderError` for a missing or unusable picture."""
        wanted = _check(spec)
        path = context.inputs.get(wanted.source_stage)
        if path is None:
            message = f"source_stage: there is no input file of stage {wanted.source_stage!r}"
            raise RenderError(message, code="missing_input")
        source, size = reference_picture(path), (wanted.width, wanted.height)
        context.check_cancelled()
        if self._entry is None:
            picture, facts = source.resize(size, Image.Resampling.LANCZOS), {"method": "lanczos"}
            libraries: tuple[str, ...] = ("pillow",)
        else:
            picture, facts = _by_model(self._entry, wanted, source, context)
            libraries = LIBRARIES
        shape = {"width": wanted.width, "height": wanted.height, "output_format": wanted.output_format}
        recipe = make_recipe(self.name, self.version, wanted, facts | shape, {wanted.source_stage: path}, libraries)
        summary = {"method": facts["method"], "from": f"{source.width}x{source.height}"}
        if self._entry is not None:
            summary |= {"licence": self._entry.licence, "tiles": facts["tiles"]}
        context.progress(1, 1)
        return file_output(picture, wanted.output_format, context, recipe, summary)

    def cancel(self) -> None:
        """The callback after each step asks the context."""


def _by_model(
    entry: ModelEntry, wanted: UpscaleSpec, source: Image.Image, context: RenderContext
) -> tuple[Image.Image, dict[str, Any]]:
    """The picture, and what the recipe says of it. When memory runs out, once more with tiles of half the side."""
    side, steps = entry.defaults.long_side or TILE, entry.defaults.steps or STEPS
    with shelf.model_cache().use(entry.name, entry.memory_bytes, lambda: load_pipeline(entry)) as loaded:

        def work() -> tuple[Image.Image, int]:
            smaller = max(LEAST_TILE, side // 2) if loaded.lean else side
            job = Work(wanted=wanted, source=source, side=smaller, steps=steps)
            return _enlarge(loaded, job, context), smaller

        (picture, used), _ = with_less_memory(work, lambda: _relieve(loaded))
        tiles = len(tile_boxes(*source.size, used))
        facts = model_facts(loaded) | {"method": entry.name, "seed": wanted.seed, "steps": steps, "lean": loaded.lean}
    return picture, facts | {"tile": used, "tiles": tiles}


def _enlarge(loaded: Loaded, job: Work, context: RenderContext) -> Image.Image:
    import torch

    pipeline, guidance = loaded.pipeline, loaded.checked.entry.defaults.guidance_scale
    accepted = inspect.signature(pipeline.__call__).parameters
    total = job.steps * len(tile_boxes(*job.source.size, job.side)) + 1

    def enlarge(tile: Image.Image, number: int) -> Image.Image:
        def told(step: int, *_: Any) -> None:
            context.progress(number * job.steps + min(step + 1, job.steps), total)

        def after_step(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            told(step)
            return tensors

        given: dict[str, Any] = {
            "prompt": job.wanted.prompt,
            "image": tile,
            "num_inference_steps": job.steps,
            "generator": torch.Generator("cpu").manual_seed(job.wanted.seed + number),
            **({"guidance_scale": guidance} if guidance >= 0 else {}),
            **({"callback_on_step_end": after_step} if "callback_on_step_end" in accepted else {"callback": told}),
        }
        result = pipeline(**{name: value for name, value in given.items() if name in accepted})
        picture: Image.Image = result.images[0]
        return picture

    try:
        return enlarge_in_tiles(job.source, (job.wanted.width, job.wanted.height), job.side, enlarge)
    finally:
        pipeline.maybe_free_model_hooks()


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
