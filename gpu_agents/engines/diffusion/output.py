"""Files and recipe of a drawn picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gpu_agents.engines.base import Engine, OutputFile, RenderContext, RenderOutput
from gpu_agents.engines.diffusion.adapters import Chosen
from gpu_agents.engines.diffusion.loading import Loaded
from gpu_agents.engines.sketch import files
from gpu_agents.media.recipe import make_recipe
from schemas.specs import PictureFormat, ShotSpec


def picture_output(
    picture: Image.Image, shot: ShotSpec, context: RenderContext, recipe: Mapping[str, Any], summary: Mapping[str, Any]
) -> RenderOutput:
    """The files of a shot."""
    return file_output(picture, shot.output_format, context, recipe, summary)


def file_output(
    picture: Image.Image,
    output_format: PictureFormat,
    context: RenderContext,
    recipe: Mapping[str, Any],
    summary: Mapping[str, Any],
) -> RenderOutput:
    """Write "main" with the recipe inside, and "thumbnail"."""
    pixels = np.asarray(picture.convert("RGB"), np.uint8)
    main = context.workdir / f"picture.{'jpg' if output_format == 'jpeg' else output_format}"
    main.write_bytes(files.encode(pixels, output_format, recipe))
    small = context.workdir / "thumbnail.jpg"
    small.write_bytes(files.small_jpeg(pixels, files.THUMBNAIL_SIDE))
    width, height = files.thumbnail_size(*picture.size)
    size = {"width": picture.width, "height": picture.height}
    thumbnail = {"width": width, "height": height}
    outputs = [
        OutputFile(role="main", path=main, content_type=files.CONTENT_TYPES[output_format], media=size),
        OutputFile(role="thumbnail", path=small, content_type="image/jpeg", media=thumbnail),
    ]
    return RenderOutput(files=outputs, recipe=recipe, summary=summary)


def recipe_parameters(
    engine: Engine,
    shot: ShotSpec,
    loaded: Loaded,
    called: Mapping[str, Any],
    chosen: Chosen,
    inputs: Mapping[str, Path],
    libraries: tuple[str, ...],
) -> dict[str, Any]:
    """Everything that repeats the picture: model and weights, scheduler, precision, adapters, numbers, seed."""
    plain = {name: value for name, value in called.items() if isinstance(value, int | float | str)}
    parameters = model_facts(loaded) | plain
    parameters |= {"seed": shot.seed, "output_format": shot.output_format, "lean": loaded.lean}
    parameters["loras"] = [{"model": item.model, "scale": item.scale} for item in chosen.loras]
    used = [item.model for item in chosen.loras]
    shown: dict[str, Path] = {}
    if chosen.ip_adapter is not None:
        parameters["ip_adapter"] = {
            "model": chosen.ip_adapter.model,
            "scale": chosen.ip_adapter.scale,
            "pictures": len(chosen.references),
        }
        used.append(chosen.ip_adapter.model)
        shown = {f"reference-{number}": inputs[key] for number, key in enumerate(chosen.references, start=1)}
    parameters["adapter_weights"] = {name: loaded.adapters[name].weights for name in used}
    return make_recipe(engine.name, engine.version, shot, parameters, shown, libraries)


def model_facts(loaded: Loaded) -> dict[str, Any]:
    """What a recipe says of a loaded model."""
    checked = loaded.checked
    return {
        "model": checked.entry.name,
        "source": f"{checked.entry.hub}@{checked.entry.revision}" if checked.entry.hub else "folder",
        "manifest_sha256": checked.manifest,
        "weights": checked.weights,
        "pipeline": type(loaded.pipeline).__name__,
        "scheduler": type(loaded.pipeline.scheduler).__name__,
        "precision": loaded.placement.precision,
        "offload": loaded.placement.offload,
        "device": loaded.device,
    }
