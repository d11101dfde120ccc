"""Which models are in a device's memory: least recently used ones go when another needs room. Decisions pure, loading not.

One cache serves all engines of a render process. A model that is in use is never dropped.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from msgspec import Struct

from schemas.errors import RenderError


class ModelEventKind(StrEnum):
    """What happened to a model in memory."""

    LOADED = "loaded"
    HIT = "hit"
    EVICTED = "evicted"


class ModelEvent(Struct, frozen=True, kw_only=True):
    """A model came, was used again, or went. `held` is what all models take afterwards, in bytes; `seconds` to load it."""

    kind: ModelEventKind
    model: str
    size: int
    held: int
    seconds: float = 0.0


def to_evict(held: Mapping[str, int], used: frozenset[str], size: int, limit: int) -> list[str] | None:
    """Which models, oldest use first, must go so that `size` more bytes fit below `limit`; None if it cannot be done.

    `held` maps models to bytes in the order of their last use, `used` are those in use now. A single model larger than
    the limit is let in when nothing else is left: the limit bounds what is kept, the device bounds what can run.
    """
    room = limit - sum(held.values())
    going: list[str] = []
    for name, taken in held.items():
        if room >= size:
            break
        if name not in used:
            going.append(name)
            room += taken
    stays = len(held) - len(going)
    return going if room >= size or stays == 0 else None


class ModelCache:
    """Loads by `use`; `limit` in bytes. `release` frees what a dropped model held, as torch's own cache does."""

    def __init__(
        self,
        limit: int,
        release: Callable[[], None] = lambda: None,
        observe: Callable[[ModelEvent], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self._release = release
        self._observe = observe
        self._clock = clock
        self._models: OrderedDict[str, Any] = OrderedDict()
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._used: list[str] = []

    @property
    def held(self) -> dict[str, int]:
        """Models in memory and their bytes, the least recently used one first."""
        return dict(self._sizes)

    @contextmanager
    def use(self, name: str, size: int, load: Callable[[], Any]) -> Iterator[Any]:
        """The model `name`, loaded if it is not there; it stays as long as the block lasts.

        Raises a retryable `RenderError` when models in use leave no room, and whatever `load` raises.
        """
        model = self._take(name, size, load)
        self._used.append(name)
        try:
            yield model
        finally:
            self._used.remove(name)

    def drop(self, name: str) -> None:
        """Forget a model that is not in use; one that is not held is no mistake."""
        if name in self._models and name not in self._used:
            self._evict(name)

    def drop_others(self) -> int:
        """Forget every model that is not in use; returns how many went."""
        going = [name for name in self._models if name not in self._used]
        for name in going:
            self._evict(name)
        return len(going)

    def _take(self, name: str, size: int, load: Callable[[], Any]) -> Any:
        if name in self._models:
            self._models.move_to_end(name)
            self._sizes.move_to_end(name)
            self._tell(ModelEventKind.HIT, name, self._sizes[name])
            return self._models[name]
        going = to_evict(self._sizes, frozenset(self._used), size, self.limit)
        if going is None:
            message = f"model {name!r} finds no room beside those in use"
            raise RenderError(message, code="out_of_memory", retryable=True)
        for other in going:
            self._evict(other)
        began = self._clock()
        self._models[name] = load()
        self._sizes[name] = size
        self._tell(ModelEventKind.LOADED, name, size, self._clock() - began)
        return self._models[name]

    def _evict(self, name: str) -> None:
        del self._models[name]
        size = self._sizes.pop(name)
        self._release()
        self._tell(ModelEventKind.EVICTED, name, size)

    def _tell(self, kind: ModelEventKind, name: str, size: int, seconds: float = 0.0) -> None:
        held = sum(self._sizes.values())
        self._observe(ModelEvent(kind=kind, model=name, size=size, held=held, seconds=seconds))
