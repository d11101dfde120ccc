"""Models in memory: the least recently used one goes, one in use never does, and each coming and going is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gpu_agents.child.protocol import ModelTold
from gpu_agents.models.cache import ModelCache, ModelEvent, to_evict
from gpu_agents.models.memory import place_model
from gpu_agents.worker.figures import ModelFigures
from schemas.errors import RenderError

GIB = 1024**3


class Watched:
    """A cache whose events are kept."""

    def __init__(self, limit: int) -> None:
        self.events: list[ModelEvent] = []
        self.released = 0
        self.cache = ModelCache(limit, release=self._release, observe=self.events.append, clock=lambda: 0.0)

    def _release(self) -> None:
        self.released += 1

    def use(self, name: str, size: int) -> None:
        with self.cache.use(name, size, name.upper) as model:
            assert model == name.upper()

    def told(self) -> list[str]:
        return [f"{event.kind.value} {event.model}" for event in self.events]


def test_the_one_used_longest_ago_goes() -> None:
    watched = Watched(10)
    for name in ("a", "b", "a", "c"):
        watched.use(name, 4)
    assert watched.told() == ["loaded a", "loaded b", "hit a", "evicted b", "loaded c"]
    assert (watched.cache.held, watched.released, watched.events[-1].held) == ({"a": 4, "c": 4}, 1, 8)


def test_one_in_use_stays_and_the_other_is_refused_for_now() -> None:
    watched = Watched(10)
    with watched.cache.use("a", 8, lambda: "A"):
        with pytest.raises(RenderError) as refused, watched.cache.use("b", 8, lambda: "B"):
            pytest.fail("there was no room")
        assert (refused.value.code, refused.value.retryable) == ("out_of_memory", True)
    watched.use("b", 8)
    assert watched.cache.held == {"b": 8}


def test_a_model_above_the_limit_runs_alone() -> None:
    watched = Watched(10)
    watched.use("a", 4)
    watched.use("giant", 40)
    assert watched.cache.held == {"giant": 40}


def test_one_that_cannot_be_loaded_takes_no_room() -> None:
    watched = Watched(10)

    def fail() -> str:
        raise RenderError("no")

    with pytest.raises(RenderError), watched.cache.use("a", 4, fail):
        pass
    assert watched.cache.held == {}


def test_others_are_dropped_for_the_one_in_use() -> None:
    watched = Watched(10)
    watched.use("a", 3)
    with watched.cache.use("b", 3, lambda: "B"):
        assert watched.cache.drop_others() == 1
        watched.cache.drop("b")
    assert watched.cache.held == {"b": 3}


SIZES = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 20), max_size=6)


@given(held=SIZES, size=st.integers(0, 30), limit=st.integers(0, 60), data=st.data())
def test_what_goes_is_enough_oldest_first_and_never_in_use(
    held: dict[str, int], size: int, limit: int, data: st.DataObject
) -> None:
    used = frozenset(data.draw(st.sets(st.sampled_from(sorted(held) or [""]))))
    going = to_evict(held, used, size, limit)
    free = [name for name in held if name not in used]
    if going is None:
        assert sum(held[name] for name in held if name in used) + size > limit
        assert used & set(held)
        return
    assert going == free[: len(going)]
    left = sum(taken for name, taken in held.items() if name not in going)
    assert left + size <= limit or len(going) == len(held)
    if going:
        assert left + held[going[-1]] + size > limit


@pytest.mark.parametrize(
    ("device", "memory", "need", "family", "dtype", "expected"),
    [
        ("cpu", 4, 24, "flux", "auto", ("float32", "none")),
        ("cuda", 24, 10, "sdxl", "auto", ("float16", "none")),
        ("cuda", 24, 20, "flux", "auto", ("bfloat16", "none")),
        ("cuda", 16, 20, "flux", "auto", ("bfloat16", "model")),
        ("cuda", 8, 20, "flux", "auto", ("bfloat16", "sequential")),
        ("cuda", 24, 10, "sdxl", "float32", ("float32", "none")),
    ],
)
def test_precision_and_offloading_follow_the_device(
    device: str, memory: int, need: int, family: str, dtype: str, expected: tuple[str, str]
) -> None:
    placed = place_model(device, memory * GIB, need * GIB, family, dtype)
    assert (placed.precision, placed.offload) == expected


def test_prometheus_counts_loads_hits_evictions_and_bytes() -> None:
    figures = ModelFigures("cuda-0", registry=CollectorRegistry())
    figures.told(ModelTold(kind="loaded", model="sdxl", size=5, held=5, seconds=3.0))
    figures.told(ModelTold(kind="hit", model="sdxl", size=5, held=5))
    figures.told(ModelTold(kind="evicted", model="sdxl", size=5, held=0))
    figures.told(ModelTold(kind="loaded", model="flux", size=7, held=7, seconds=9.0))

    def value(name: str, **labels: str) -> float | None:
        return figures.registry.get_sample_value(name, {"device": "cuda-0", **labels})

    assert value("storyreel_model_loads_total", model="sdxl") == 1
    assert value("storyreel_model_hits_total", model="sdxl") == 1
    assert value("storyreel_model_evictions_total", model="sdxl") == 1
    assert value("storyreel_model_load_seconds_sum", model="flux") == 9.0
    assert value("storyreel_model_bytes") == 7
    figures.told(ModelTold(kind="ended"))
    assert value("storyreel_model_bytes") == 0
