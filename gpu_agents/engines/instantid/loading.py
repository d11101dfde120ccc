"""The models of the engine: a pipeline, IdentityNet and the identity adapter that belong to it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from gpu_agents.engines.diffusion.loading import Loaded, load_pipeline, read_index
from gpu_agents.models import shelf
from gpu_agents.models.checking import CheckedModel, check_model, check_present
from gpu_agents.models.entry import ModelEntry, ModelKind
from gpu_agents.models.registry import ModelRegistry
from schemas.errors import ConfigurationError

FAMILY = "instantid"
PIPELINES = {
    "StableDiffusionPipeline": "StableDiffusionControlNetPipeline",
    "StableDiffusionXLPipeline": "StableDiffusionXLControlNetPipeline",
}


class Identity(Struct, frozen=True, kw_only=True):
    """The three entries of the registry."""

    base: ModelEntry
    network: ModelEntry
    adapter: ModelEntry

    @property
    def memory_bytes(self) -> int:
        """What all three take on a device."""
        return self.base.memory_bytes + self.network.memory_bytes + self.adapter.memory_bytes


class LoadedIdentity(Struct, frozen=True, kw_only=True):
    """All three in memory."""

    loaded: Loaded
    network: CheckedModel
    adapter: CheckedModel


def find_identity(registry: ModelRegistry, base: ModelEntry) -> Identity:
    """The first ControlNet and IP-Adapter of family instantid beside the base model. Raises `ConfigurationError`."""
    found = {}
    for kind in (ModelKind.CONTROLNET, ModelKind.IP_ADAPTER):
        entry = next((entry for entry in registry.of_kind(kind) if entry.family == FAMILY), None)
        if entry is None:
            message = f"engine instantid: the registry has no model of kind {kind.value!r} and family {FAMILY!r}"
            raise ConfigurationError(message)
        found[kind] = entry
    return Identity(base=base, network=found[ModelKind.CONTROLNET], adapter=found[ModelKind.IP_ADAPTER])


def check_identity(identity: Identity, registry: ModelRegistry) -> None:
    """The cheap part of checking all three. Raises `ConfigurationError`."""
    for entry in (identity.base, identity.network, identity.adapter):
        check_present(entry, registry)
    named = read_index(registry.folder(identity.base)).get("_class_name")
    if named not in PIPELINES:
        known = ", ".join(PIPELINES)
        raise ConfigurationError(f"model {identity.base.name!r}: instantid needs one of {known}, not {named}")


def load_identity(identity: Identity) -> LoadedIdentity:
    """Check every file and load. Raises `ConfigurationError` naming the model that does not fit."""
    from gpu_agents.engines.instantid.network import IdentityNet

    registry = shelf.registry()
    network, adapter = check_model(identity.network, registry), check_model(identity.adapter, registry)
    net: Any
    try:
        net, told = IdentityNet.from_pretrained(
            str(network.place), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"model {identity.network.name!r}: is no ControlNet of diffusers: {error}") from error
    if told["missing_keys"] or told["mismatched_keys"]:  # diffusers would go on without them
        raise ConfigurationError(f"model {identity.network.name!r}: weights of the ControlNet are missing")
    loaded = load_pipeline(identity.base, instead=PIPELINES, controlnet=net)
    pipeline = loaded.pipeline
    pipeline.controlnet.to(dtype=pipeline.unet.dtype)
    place = adapter.place
    folder, weights = (place.parent, place.name) if place.is_file() else (place, _only_weights(adapter))
    try:
        pipeline.load_ip_adapter(
            str(folder), subfolder="", weight_name=weights, image_encoder_folder=None, local_files_only=True
        )
    except (ValueError, RuntimeError, KeyError, AttributeError) as error:
        message = f"model {identity.adapter.name!r}: does not fit {identity.base.name!r}: {error}"
        raise ConfigurationError(message) from error
    return LoadedIdentity(loaded=loaded, network=network, adapter=adapter)


def _only_weights(adapter: CheckedModel) -> str:
    found = sorted(adapter.weights)
    if len(found) != 1:
        raise ConfigurationError(f"model {adapter.entry.name!r}: needs one safetensors file, has {len(found)}")
    return found[0]
