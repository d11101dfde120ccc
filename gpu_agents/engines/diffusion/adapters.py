"""LoRAs and IP-Adapters: which ones a shot uses, and how a pipeline gets them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from msgspec import Struct
from PIL import Image

from gpu_agents.engines.diffusion.components import load_whole
from gpu_agents.engines.diffusion.loading import Loaded
from gpu_agents.models import shelf
from gpu_agents.models.checking import check_model
from gpu_agents.models.entry import Attached, ModelEntry, ModelKind
from gpu_agents.models.registry import ModelRegistry
from schemas.errors import ConfigurationError, RenderError
from schemas.specs import CharacterRef, ShotSpec


class Chosen(Struct, frozen=True, kw_only=True):
    """Adapters of a shot with their scales. `references` are the input keys of the pictures that the IP-Adapter looks at."""

    loras: list[Attached]
    ip_adapter: Attached | None = None
    references: list[str] = []


def choose_adapters(shot: ShotSpec, base: ModelEntry, registry: ModelRegistry, inputs: Collection[str]) -> Chosen:
    """What is attached to the model, and every LoRA of its family that names the shot's style or one of its characters.

    The IP-Adapter looks at the first character that has pictures among `inputs`: its reference photos, best first, as many
    as were handed over, else its portrait. Pure.
    """
    attached = {item.model: item for item in base.attach}
    loras = [item for item in base.attach if registry.get(item.model).kind is ModelKind.LORA]
    names = {word.lower() for c in shot.characters for word in (c.name, c.character_id)}
    for entry in registry.of_kind(ModelKind.LORA):
        called = shot.style.lower() in {style.lower() for style in entry.styles} if shot.style else False
        called = called or bool(names & {name.lower() for name in entry.characters})
        if called and entry.family == base.family and entry.name not in attached:
            loras.append(Attached(model=entry.name, scale=entry.scale))
    ip_adapters = [item for item in base.attach if registry.get(item.model).kind is ModelKind.IP_ADAPTER]
    references = next((keys for c in shot.characters if (keys := _pictures_of(c, inputs))), [])
    if not references or not ip_adapters:
        return Chosen(loras=loras)
    return Chosen(loras=loras, ip_adapter=ip_adapters[0], references=references)


def _pictures_of(character: CharacterRef, inputs: Collection[str]) -> list[str]:
    photos = [key for key in character.photo_keys if key in inputs]
    return photos or [key for key in [character.portrait_key] if key in inputs]


def apply_loras(loaded: Loaded, loras: list[Attached]) -> None:
    """Have exactly these LoRAs act. Raises `ConfigurationError` for one that does not fit the model."""
    pipeline = loaded.pipeline
    for item in loras:
        if item.model not in loaded.adapters:
            checked = check_model(shelf.registry().get(item.model), shelf.registry())
            folder, weights = _weight_file(checked.place)
            try:
                pipeline.load_lora_weights(str(folder), weight_name=weights, adapter_name=_handle(item.model))
            except (ValueError, RuntimeError, KeyError, AttributeError) as error:
                message = f"model {item.model!r}: does not fit {loaded.checked.entry.name!r}: {error}"
                raise ConfigurationError(message) from error
            loaded.adapters[item.model] = checked
    kept = [name for name in loaded.adapters if shelf.registry().get(name).kind is ModelKind.LORA]
    if loras:
        pipeline.enable_lora()
        pipeline.set_adapters([_handle(item.model) for item in loras], adapter_weights=[item.scale for item in loras])
    elif kept:
        pipeline.disable_lora()


def apply_ip_adapter(loaded: Loaded, chosen: Attached | None, images: list[Image.Image]) -> dict[str, Any]:
    """Arguments of the call that show the model pictures, all together; none when there is nothing to show.

    An adapter that was loaded before needs a picture in every call: then a grey one, at scale 0.
    """
    pipeline = loaded.pipeline
    if chosen is not None and chosen.model not in loaded.adapters:
        checked = check_model(shelf.registry().get(chosen.model), shelf.registry())
        folder, weights = _weight_file(checked.place)
        if (folder / "image_encoder").is_dir() and getattr(pipeline, "image_encoder", True) is None:
            pipeline.register_modules(image_encoder=_picture_encoder(chosen.model, folder / "image_encoder", pipeline))
        pipeline.load_ip_adapter(
            str(folder), subfolder="", weight_name=weights, image_encoder_folder=None, local_files_only=True
        )
        if (folder / "feature_extractor").is_dir():
            from transformers import CLIPImageProcessorPil

            extractor = CLIPImageProcessorPil.from_pretrained(str(folder / "feature_extractor"), local_files_only=True)
            pipeline.register_modules(feature_extractor=extractor)
        loaded.adapters[chosen.model] = checked
    if not any(shelf.registry().get(name).kind is ModelKind.IP_ADAPTER for name in loaded.adapters):
        return {}
    pipeline.set_ip_adapter_scale(chosen.scale if chosen is not None and images else 0.0)
    return {"ip_adapter_image": [images or [Image.new("RGB", (224, 224), (128, 128, 128))]]}  # one list an adapter


def _picture_encoder(model: str, folder: Path, pipeline: Any) -> Any:
    from transformers import CLIPVisionModelWithProjection

    try:
        encoder = load_whole(CLIPVisionModelWithProjection, folder, folder.name, pipeline.dtype)
    except (OSError, ValueError, ConfigurationError) as error:
        raise ConfigurationError(f"model {model!r}: cannot be loaded: {error}") from error
    return encoder.to(pipeline.device)


def reference_picture(path: Path) -> Image.Image:
    """A picture, over white where it is transparent. Raises `RenderError` when it cannot be read."""
    try:
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as opened:
            cut_out = opened.convert("RGBA")
    except (OSError, ValueError) as error:
        raise RenderError(f"a picture that was handed over cannot be read: {error}", code="bad_input") from error
    return Image.alpha_composite(Image.new("RGBA", cut_out.size, "white"), cut_out).convert("RGB")


def _weight_file(place: Path) -> tuple[Path, str]:
    """Folder and name of the one weight file on the first level. Raises `ConfigurationError` when there is not just one."""
    if place.is_file():
        return place.parent, place.name
    found = sorted(path.name for path in place.glob("*.safetensors"))
    if len(found) != 1:
        raise ConfigurationError(f"{place.name}: needs one safetensors file, has {len(found)}")
    return place, found[0]


def _handle(name: str) -> str:
    """Modules are named after adapters, and names of modules hold no dots."""
    return name.replace(".", "_")
