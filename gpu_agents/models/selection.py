"""Which files of a hub's repository a model is made of: its safe weights once, in one precision. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from gpu_agents.models.formats import PICKLES, WEIGHTS, wanted
from schemas.errors import ConfigurationError

INDEX = "model_index.json"
VARIANTS = {"fp16", "bf16", "fp32", "fp8", "ema", "non_ema"}
_SHARD = r"(?:-\d{5}-of-\d{5})?"
_NAME = re.compile(rf"[^.]+?{_SHARD}\.(?P<variant>\w+){_SHARD}\.safetensors")
_SHOWN = 3  # refused files that a message names


def needed(names: Sequence[str], variant: str = "") -> list[str]:
    """The files to fetch, in the order of `names`: texts, and of every folder's weights those of `variant`, else the plain ones.

    A pipeline's own folders hold its weights: single files beside them repeat these, and so does ONNX beside safetensors
    anywhere. Raises `ConfigurationError` when the weights, or those of one part of a pipeline, come as pickles only, or in
    other variants only.
    """
    is_pipeline = INDEX in names
    safe = [name for name in names if wanted(name)]
    weights = [name for name in safe if _suffix(name) == ".safetensors"]
    if is_pipeline:
        weights = [name for name in weights if "/" in name]
    weights = weights or [name for name in safe if _suffix(name) == ".onnx"]
    chosen = set(_of_variant(weights, variant))
    if not chosen:
        raise ConfigurationError(_why_none(names, weights))
    if is_pipeline:
        _insist_on_parts(names, chosen)
    return [name for name in safe if name in chosen or _suffix(name) not in WEIGHTS]


def variant_of(name: str, also: str = "") -> str:
    """The variant in a weight file's name, as "fp16" in "unet/model.fp16.safetensors"; "" = plain."""
    found = _NAME.fullmatch(PurePosixPath(name).name)
    word = found["variant"] if found else ""
    return word if word in VARIANTS | {also} else ""


def _of_variant(weights: Sequence[str], variant: str) -> list[str]:
    folders: dict[PurePosixPath, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in weights:
        folders[PurePosixPath(name).parent][variant_of(name, variant)].append(name)
    return [name for folder in folders.values() for name in folder.get(variant) or folder.get("", [])]


def _insist_on_parts(names: Sequence[str], chosen: set[str]) -> None:
    complete = {PurePosixPath(name).parent for name in chosen}
    for name in names:
        part = PurePosixPath(name).parent
        if _suffix(name) in PICKLES and f"{part}/config.json" in names and part not in complete:
            raise ConfigurationError(f"{name}: {_unsafe(_suffix(name))}, and {part} has no others")


def _why_none(names: Sequence[str], weights: Sequence[str]) -> str:
    if weights:
        return f"all its weights are of a variant; name one in defaults.variant: {', '.join(_variants(weights))}"
    pickles = [name for name in names if _suffix(name) in PICKLES]
    if not pickles:
        return "it has no safetensors or ONNX files"
    more = f" and {len(pickles) - _SHOWN} more" if len(pickles) > _SHOWN else ""
    return f"{', '.join(pickles[:_SHOWN])}{more}: {_unsafe(_suffix(pickles[0]))}, and it has no others"


def _variants(weights: Sequence[str]) -> list[str]:
    return sorted({variant_of(name) for name in weights})


def _unsafe(suffix: str) -> str:
    return f"{suffix} files can run code when they are read; only safetensors and ONNX are used"


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
