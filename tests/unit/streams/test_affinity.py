"""Devices keep to the models they hold, and nobody waits for that longer than the bound."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.common import Tier
from schemas.tasks import StageDispatched
from streams.domain.policy import Policy
from tests.deciding import Shard
from tests.unit.streams.yard import TICK, Job, Yard

WAIT = timedelta(seconds=2)
MODELS = "abcd"
LONGEST = 400  # milliseconds of one stage


def load(seed: int, accounts: str = "a") -> list[Job]:
    """More work at once than devices can do in the bound, most of it of one model."""
    rng = Random(seed)
    names = {"a": "ann", "b": "bob", "c": "cay"}
    models = rng.choice([MODELS, MODELS[:2], "aaab", "aaaab"])
    return [
        Job(rng.randrange(6_000), rng.choice(models), rng.randint(20, LONGEST), names[rng.choice(accounts)])
        for _ in range(rng.randint(20, 90))
    ]


def _policy(wait: timedelta = WAIT, held: int = 1, heavy: str = "") -> Policy:
    return Policy(affinity_wait=wait, models_held=held, heavy=frozenset(heavy), credit_ms=300, credit_max=4)


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 2), st.sampled_from(["", "ab", "abcd"]))
@settings(max_examples=60, deadline=None)
def test_no_stage_waits_longer_than_the_bound_because_of_affinity(
    seed: int, devices: int, held: int, heavy: str
) -> None:
    yard = Yard(_policy(held=held, heavy=heavy), devices, MODELS)
    yard.run(load(seed))
    most = WAIT + timedelta(milliseconds=LONGEST) + 2 * TICK
    for task_id, turn in yard.turns.items():
        assert yard.dispatched[task_id] - turn <= most, "one stage longer at most, which the device was still busy with"


@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from(["", "abcd"]))
@settings(max_examples=60, deadline=None)
def test_a_stage_is_passed_over_only_within_the_bound_and_for_work_that_fits_in_it(
    seed: int, devices: int, heavy: str
) -> None:
    yard = Yard(_policy(heavy=heavy), devices, MODELS)
    yard.run(load(seed, "aabc"))
    since: dict[str, datetime] = {}
    for event, estimate_ms in yard.dispatches:
        if event.passed is not None:
            began = since.setdefault(event.passed.task_id, event.passed.since)
            assert event.passed.since == began, "the bound counts from the first time"
            assert event.envelope.occurred_at - began + timedelta(milliseconds=estimate_ms) <= WAIT


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_a_mixed_load_needs_fewer_switches(devices: int, seed: int) -> None:
    rng = Random(seed)
    work = [
        Job(rng.randrange(3_000), rng.choice(MODELS[:3]), rng.randint(30, 120), rng.choice(["ann", "bob"]))
        for _ in range(150)
    ]
    patient, hasty = Yard(_policy(), devices, MODELS), Yard(_policy(timedelta(0)), devices, MODELS)
    patient.run(work)
    hasty.run(work)
    assert patient.switches * 2 < hasty.switches, (patient.switches, hasty.switches)
    assert len(patient.dispatched) == len(hasty.dispatched) == len(work)


def test_without_patience_the_order_is_strict() -> None:
    yard = Yard(_policy(timedelta(0)), 1, MODELS)
    yard.run([Job(0, MODELS[number % 2], 50) for number in range(20)])
    assert [event.task_id for event, _ in yard.dispatches] == [f"t{number}" for number in range(20)]
    assert all(event.passed is None for event, _ in yard.dispatches)


def test_priority_goes_before_affinity() -> None:
    shard = Shard(Policy(models_held=1, credit_ms=1, credit_max=1))
    shard.user("ann")
    shard.user("vip", tier=Tier.VIP)
    shard.device(engines=["a", "b"])
    shard.images("first", engine="a")
    shard.images("warm", engine="a")
    shard.images("urgent", account="vip", engine="b")
    (event,) = [e for e in shard.succeeds("first") if isinstance(e, StageDispatched)]
    assert (event.task_id, event.passed) == ("urgent", None)


def test_heavy_work_waits_a_moment_for_the_device_that_holds_its_model() -> None:
    shard = Shard(Policy(heavy=frozenset({"big"}), credit_max=1, credit_ms=1))
    shard.user()
    shard.device("gpu-0", engines=["big"])
    shard.images("t0", engine="big")
    shard.device("gpu-1", engines=["big"])
    shard.images("t1", engine="big")
    assert shard.wait(1) == []
    (late,) = [e for e in shard.wait(1.5) if isinstance(e, StageDispatched)]
    assert (late.task_id, late.device_id) == ("t1", "gpu-1")


def test_heavy_work_goes_to_the_device_that_holds_its_model_though_another_is_idle() -> None:
    shard = Shard(Policy(heavy=frozenset({"big"}), credit_max=1, credit_ms=1))
    shard.user()
    shard.device("gpu-0", engines=["big"])
    shard.images("t0", engine="big")
    shard.device("gpu-1", engines=["big"])
    shard.images("t1", engine="big")
    (event,) = [e for e in shard.succeeds("t0") if isinstance(e, StageDispatched)]
    assert (event.task_id, event.device_id) == ("t1", "gpu-0")


def two_devices(*loaded: str) -> Shard:
    """gpu-0 did work of "big" and says what it holds since; gpu-1 is idle. Nobody would guess more than one model."""
    shard = Shard(Policy(heavy=frozenset({"big"}), models_held=1, credit_max=1, credit_ms=1))
    shard.user()
    shard.device("gpu-0", engines=["big", "small"])
    shard.images("t0", engine="big")
    shard.succeeds("t0", loaded=["big"])
    shard.images("t1", engine="small")
    shard.device("gpu-1", engines=["big", "small"])
    shard.images("t2", engine="small")
    shard.succeeds("t1", loaded=list(loaded))
    shard.images("t3", engine="small")
    assert [shard.state.tasks[task].stages["shot-01"].device_id for task in ("t2", "t3")] == ["gpu-1", "gpu-0"]
    shard.succeeds("t2", loaded=[])
    return shard


def test_work_waits_for_the_device_that_says_it_holds_the_model() -> None:
    shard = two_devices("big")
    assert not [e for e in shard.images("t4", engine="big") if isinstance(e, StageDispatched)]
    (event,) = [e for e in shard.succeeds("t3", loaded=["big"]) if isinstance(e, StageDispatched)]
    assert (event.task_id, event.device_id) == ("t4", "gpu-0")


def test_nobody_waits_for_a_model_that_the_device_says_is_gone() -> None:
    shard = two_devices()
    (event,) = [e for e in shard.images("t4", engine="big") if isinstance(e, StageDispatched)]
    assert event.device_id == "gpu-1"


@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from(["", "abcd"]))
@settings(max_examples=40, deadline=None)
def test_the_bound_holds_for_devices_that_tell_what_they_hold(seed: int, devices: int, heavy: str) -> None:
    yard = Yard(_policy(heavy=heavy), devices, MODELS, room=3)
    yard.run(load(seed))
    most = WAIT + timedelta(milliseconds=LONGEST) + 2 * TICK
    assert all(yard.dispatched[task_id] - turn <= most for task_id, turn in yard.turns.items())


def test_a_new_lease_begins_without_models() -> None:
    shard = Shard()
    shard.user()
    shard.device()
    shard.images("t1")
    assert shard.state.devices["cpu-0"].models == ("null",)
    shard.device(boot="boot-2")
    assert shard.state.devices["cpu-0"].models == ("null",), "its stage went to it again"
    shard.succeeds("t1")
    shard.device(boot="boot-3")
    assert not shard.state.devices["cpu-0"].models
