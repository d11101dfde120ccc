"""The models of this render process: its registry, its device and its one cache."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from functools import lru_cache

import psutil

from gpu_agents.models.cache import ModelCache, ModelEvent
from gpu_agents.models.registry import ModelRegistry, load_registry

log = logging.getLogger(__name__)
_observers: list[Callable[[ModelEvent], None]] = []


def observe_models(observer: Callable[[ModelEvent], None]) -> None:
    """Have every model event told to `observer` as well."""
    _observers.append(observer)


@lru_cache(maxsize=1)
def registry() -> ModelRegistry:
    """The registry that the environment of this process names. Raises `ConfigurationError`."""
    return load_registry(os.environ)


def device_name() -> str:
    """Where models run: "cuda" where torch sees an accelerator, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_memory() -> int:
    """Bytes of the device that models run on: of the GPU, else of the host."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(0).total_memory)
    return int(psutil.virtual_memory().total)


@lru_cache(maxsize=1)
def model_cache() -> ModelCache:
    """The cache that all engines of this process share."""
    return ModelCache(registry().cache.limit(device_memory()), release=_release, observe=_tell)


def _release() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _tell(event: ModelEvent) -> None:
    log.info(
        "model %s: %s, %d MB; %d MB in all, %.1f s",
        event.model,
        event.kind.value,
        event.size // 2**20,
        event.held // 2**20,
        event.seconds,
    )
    for observer in _observers:
        observer(event)
