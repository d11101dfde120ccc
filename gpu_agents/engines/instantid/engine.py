"""The `instantid` engine: a shot whose characters keep their faces, drawn by a pipeline of diffusers."""

from __future__ import annotations

import inspect
import os
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from gpu_agents.engines.base import EngineKind, Estimate, RenderContext, RenderOutput
from gpu_agents.engines.diffusion.by_model import ByModel
from gpu_agents.engines.diffusion.engine import LIBRARIES, LOAD_SECONDS, SECONDS_A_STEP
from gpu_agents.engines.diffusion.libraries import insist_on_libraries
from gpu_agents.engines.diffusion.loading import Loaded
from gpu_agents.engines.diffusion.memory_errors import with_less_memory
from gpu_agents.engines.diffusion.output import model_facts, picture_output
from gpu_agents.engines.diffusion.prompts import encode
from gpu_agents.engines.diffusion.sizes import drawing_size
from gpu_agents.engines.diffusion.wording import shot_words
from gpu_agents.engines.insightface.encoder import InsightFaceEncoder, shared_encoder
from gpu_agents.engines.insightface.pack import find_pack
from gpu_agents.engines.instantid.composition import placed, points_picture, regions
from gpu_agents.engines.instantid.loading import Identity, LoadedIdentity, check_identity, find_identity, load_identity
from gpu_agents.engines.instantid.people import Person, known_person
from gpu_agents.media.recipe import make_recipe
from gpu_agents.models import shelf
from gpu_agents.models.entry import ModelKind
from gpu_agents.models.offers import model_of
from schemas.errors import RenderError
from schemas.specs import ShotSpec, Spec

ADAPTER_SCALE = 0.8  # how much the faces count for the picture; the values of the InstantID paper's demonstration
NETWORK_SCALE = 0.8


class InstantIdEngine(ByModel):
    """Image engine `instantid`, or `instantid/NAME` for one model; needs a pack of insightface and three models of the
    registry, see `loading`.
    """

    name: ClassVar[str] = "instantid"
    kind: ClassVar[EngineKind] = EngineKind.IMAGE
    version: ClassVar[str] = "1"

    def __init__(self) -> None:
        super().__init__()
        self._encoder = InsightFaceEncoder()

    def setup(self) -> None:
        """Load the face pack and find the models. Raises `ConfigurationError` naming what is missing."""
        insist_on_libraries()
        check_identity(self.identity(), shelf.registry())
        self._encoder = shared_encoder(find_pack(os.environ))

    def identity(self) -> Identity:
        """The models this engine runs. Raises `ConfigurationError`."""
        registry = shelf.registry()
        return find_identity(registry, model_of(registry, self._model, ModelKind.IMAGE))

    def estimate(self, spec: Spec) -> Estimate:
        """Like the diffusers engine, and half as much again for every person."""
        shot = _shot(spec)
        steps = self.identity().base.defaults.steps or shot.steps
        seconds = SECONDS_A_STEP * steps * shot.width * shot.height / 1e6 * (1 + 0.5 * max(1, len(shot.characters)))
        return Estimate(seconds=LOAD_SECONDS + seconds, steps=steps)

    def render(self, spec: Spec, context: RenderContext) -> RenderOutput:
        """Draw the shot. Raises `RenderError` for a shot that names nobody or whose characters' photos show no face."""
        shot, identity = _shot(spec), self.identity()
        if not shot.characters:
            raise RenderError("characters: instantid draws shots that name at least one", code="no_character")
        people = [known_person(character, context.inputs, self._encoder) for character in shot.characters]
        context.check_cancelled()
        name = f"{self.name}/{identity.base.name}"
        with shelf.model_cache().use(name, identity.memory_bytes, lambda: load_identity(identity)) as loaded:
            return self._draw(shot, people, loaded, context)

    def cancel(self) -> None:
        """The callback after each step asks the context."""

    def _draw(
        self, shot: ShotSpec, people: list[Person], models: LoadedIdentity, context: RenderContext
    ) -> RenderOutput:
        loaded = models.loaded
        entry, pipeline = loaded.checked.entry, loaded.pipeline
        size = drawing_size(shot.width, shot.height, entry.defaults.long_side, 2 * int(pipeline.vae_scale_factor))
        guidance = entry.defaults.guidance_scale if entry.defaults.guidance_scale >= 0 else shot.guidance_scale
        numbers = {
            "width": size[0],
            "height": size[1],
            "num_inference_steps": entry.defaults.steps or shot.steps,
            "guidance_scale": guidance,
            "controlnet_conditioning_scale": NETWORK_SCALE,
        }
        accepted = frozenset(inspect.signature(pipeline.__call__).parameters)
        encoded = encode(pipeline, shot_words(shot), shot.negative_prompt, accepted, entry.defaults.max_tokens)
        shown = _shown(loaded, people, shot.camera, size, guided=guidance > 1)

        def draw() -> Any:
            return _call(pipeline, encoded.arguments | numbers | shown, shot.seed, context)

        result, lean = with_less_memory(draw, loaded.make_lean)
        picture = result.images[0]
        if picture.size != (shot.width, shot.height):
            picture = picture.resize((shot.width, shot.height), Image.Resampling.LANCZOS)
        parameters = model_facts(loaded) | numbers | {"seed": shot.seed, "lean": lean, "adapter_scale": ADAPTER_SCALE}
        parameters["adapter_weights"] = {item.entry.name: item.weights for item in (models.network, models.adapter)}
        parameters["faces"] = self._encoder.recipe()
        parameters["photos"] = {person.character_id: person.photos for person in people}
        recipe = make_recipe(self.name, self.version, shot, parameters, {}, LIBRARIES)
        summary: dict[str, Any] = {"model": entry.name, "people": len(people), "drawn_at": f"{size[0]}x{size[1]}"}
        if encoded.is_cut:
            summary["warning"] = f"the prompt has {encoded.tokens} tokens; the model reads the first {encoded.used}"
        return picture_output(picture, shot, context, recipe, summary)


def _shown(loaded: Loaded, people: list[Person], camera: str, size: tuple[int, int], *, guided: bool) -> dict[str, Any]:
    """Arguments that show the pipeline who stands where; without guidance there is no row of nobody before them."""
    import torch

    pipeline, device = loaded.pipeline, loaded.device
    width, height = size
    masks = torch.from_numpy(regions(len(people), width, height))
    vectors = torch.from_numpy(np.stack([person.vector for person in people])).to(pipeline.unet.dtype)
    embeds = vectors[None, :, None, :]
    if guided:
        embeds = torch.cat([torch.zeros_like(embeds), embeds])
    pipeline.set_ip_adapter_scale(ADAPTER_SCALE)
    tokens = pipeline.unet.encoder_hid_proj.image_projection_layers[0]
    near = embeds.to(next(tokens.parameters()).device)
    with torch.inference_mode():
        pipeline.controlnet.people = [
            (tokens(near[:, place]), masks[place][None, None]) for place in range(len(people))
        ]
    points = [placed(p.points, place, len(people), camera, width, height) for place, p in enumerate(people)]
    arguments: dict[str, Any] = {
        "image": Image.fromarray(points_picture(points, width, height)),
        "ip_adapter_image_embeds": [embeds.to(device)],
    }
    if len(people) > 1:
        arguments["cross_attention_kwargs"] = {"ip_adapter_masks": [masks[None]]}
    return arguments


def _call(pipeline: Any, arguments: dict[str, Any], seed: int, context: RenderContext) -> Any:
    import torch

    steps = arguments["num_inference_steps"]

    def after_step(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        context.progress(min(step + 1, steps), steps)
        return tensors

    generator = torch.Generator("cpu").manual_seed(seed)  # the same noise on every device
    try:
        return pipeline(**arguments, generator=generator, callback_on_step_end=after_step)
    finally:
        pipeline.controlnet.people = []
        pipeline.maybe_free_model_hooks()


def _shot(spec: Spec) -> ShotSpec:
    if not isinstance(spec, ShotSpec):
        raise RenderError(f"spec: the instantid engine draws shots, not {type(spec).__name__}", code="spec_kind")
    return spec
