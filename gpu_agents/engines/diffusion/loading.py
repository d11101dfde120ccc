"""From a checked folder to a pipeline on the device."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gpu_agents.engines.diffusion.components import load_components, load_whole
from gpu_agents.engines.diffusion.schedulers import set_scheduler
from gpu_agents.models import shelf
from gpu_agents.models.checking import CheckedModel, check_model
from gpu_agents.models.entry import ModelEntry
from gpu_agents.models.memory import Placement, place_model
from schemas.errors import ConfigurationError

NOTHING_INSTEAD: Mapping[str, str] = MappingProxyType({})
log = logging.getLogger(__name__)


class Loaded:
    """A pipeline in memory, with what its recipe says of it. `lean` once it was made to need less memory."""

    def __init__(self, pipeline: Any, checked: CheckedModel, placement: Placement, device: str) -> None:
        self.pipeline = pipeline
        self.checked = checked
        self.placement = placement
        self.device = device
        self.adapters: dict[str, CheckedModel] = {}
        self.lean = False

    def make_lean(self) -> None:
        """Decode pictures in tiles and slices, and move components to the device only while they work."""
        self.lean = True
        vae = getattr(self.pipeline, "vae", None)
        for name in ("enable_tiling", "enable_slicing"):
            if vae is not None and hasattr(vae, name):
                getattr(vae, name)()
        if self.device != "cpu" and self.placement.offload == "none":
            self.pipeline.enable_model_cpu_offload()


def load_pipeline(
    entry: ModelEntry, *, kind: str = "", instead: Mapping[str, str] = NOTHING_INSTEAD, **components: Any
) -> Loaded:
    """Check every file, then load. `components` replace or add parts of the pipeline.

    The class is `kind`, else what the model names; of classes in `instead` another one reads the same files.

    Raises `ConfigurationError` when a file is not what the registry says, the folder is no pipeline of diffusers or a
    component lacks tensors.
    """
    import diffusers
    import torch

    quiet_libraries()
    checked = check_model(entry, shelf.registry())
    device = shelf.device_name()
    placement = place_model(
        device,
        shelf.device_memory(),
        entry.memory_bytes,
        entry.family,
        entry.defaults.dtype,
        has_bfloat16=device == "cpu" or torch.cuda.is_bf16_supported(),
    )
    index = read_index(checked.place)
    named = str(index.get("_class_name", ""))
    maker = getattr(diffusers, kind or instead.get(named, named), None)
    if maker is None:
        raise ConfigurationError(f"model {entry.name!r}: diffusers has no pipeline {named!r}")
    precision: Any = getattr(torch, placement.precision)
    if named.startswith("Wan") and placement.precision != "float32":
        precision = {"vae": torch.float32, "default": precision}  # its autoencoder loses detail in half precision
    variant = entry.defaults.variant
    try:
        components |= load_components(maker, checked.place, index, components, precision=precision, variant=variant)
        pipeline = maker.from_pretrained(
            str(checked.place),
            torch_dtype=precision,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            variant=variant or None,
            **components,
        )
    except (OSError, ValueError, AttributeError, KeyError, ConfigurationError) as error:
        raise ConfigurationError(f"model {entry.name!r}: cannot be loaded: {error}") from error
    set_scheduler(pipeline, entry.defaults.scheduler)
    put_on_device(pipeline, placement, device)
    return Loaded(pipeline, checked, placement, device)


def read_index(place: Path) -> dict[str, Any]:
    """A pipeline's model_index.json. Raises `ConfigurationError` when the folder has none."""
    path = place / "model_index.json"
    if not path.is_file():
        raise ConfigurationError(f"{place.name}: has no model_index.json, so it is no pipeline of diffusers")
    index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return index


def put_on_device(pipeline: Any, placement: Placement, device: str) -> None:
    """Move a pipeline as decided."""
    match placement.offload:
        case "none":
            pipeline.to(device)
        case "model":
            pipeline.enable_model_cpu_offload()
        case "sequential":
            pipeline.enable_sequential_cpu_offload()
    pipeline.set_progress_bar_config(disable=True)


def load_component(entry: ModelEntry, kind: str, place: Path) -> Any:
    """A single model of diffusers by its class name, as "MotionAdapter". Raises `ConfigurationError` if it is not whole."""
    import diffusers

    try:
        return load_whole(getattr(diffusers, kind), place, kind)
    except (OSError, ValueError, ConfigurationError) as error:
        raise ConfigurationError(f"model {entry.name!r}: cannot be loaded: {error}") from error


def quiet_libraries() -> None:
    """No progress bars, and no warnings: the libraries quote prompts in them. Sums are the same every time."""
    import diffusers
    import torch
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
