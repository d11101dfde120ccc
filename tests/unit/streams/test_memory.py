"""After a device ran out of memory with a stage, any other device that can do it goes first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.common import Problem
from schemas.render import StageFailedReport
from schemas.tasks import StageDispatched, StageRetryScheduled
from streams.domain.policy import Policy
from tests.deciding import Shard, only

RETRY = 700  # seconds, longer than any back-off
DEVICES = ("a", "b", "c")


@pytest.fixture
def shard() -> Shard:
    shard = Shard()
    shard.user()
    shard.device("a")
    return shard


def runs_out(shard: Shard, task: str, code: str = "out_of_memory") -> StageRetryScheduled:
    problem = Problem(type="RenderError", code=code, retryable=True)
    return only(shard.report(StageFailedReport, task, problem=problem), StageRetryScheduled)


def device_of(shard: Shard, task: str) -> str:
    return shard.state.tasks[task].stages["shot-01"].device_id


def test_the_next_attempt_goes_to_another_device_though_the_first_is_idle(shard: Shard) -> None:
    shard.images("t1")
    assert runs_out(shard, "t1").avoid_device == "a"
    shard.device("b")
    assert only(shard.wait(RETRY), StageDispatched).device_id == "b"


def test_a_device_alone_gets_it_again_after_the_back_off(shard: Shard) -> None:
    shard.images("t1")
    runs_out(shard, "t1")
    shard.device("b", engines=["rules"])
    assert shard.wait(1) == []
    assert only(shard.wait(RETRY), StageDispatched).device_id == "a"


def busy_elsewhere() -> Shard:
    """Device a is idle and too small for t1, which therefore waits for b, which does other work."""
    shard = Shard(Policy(credit_ms=1, credit_max=1))
    shard.user()
    shard.device("a")
    shard.images("t1")
    runs_out(shard, "t1")
    shard.device("b")
    shard.images("x1")
    shard.images("x2")
    assert (device_of(shard, "x1"), device_of(shard, "x2")) == ("a", "b")
    shard.succeeds("x1")
    assert shard.wait(RETRY) == []
    return shard


def test_it_waits_for_a_busy_device_and_keeps_nobody_behind_it_waiting() -> None:
    shard = busy_elsewhere()
    shard.images("t2")
    assert device_of(shard, "t2") == "a"
    assert only(shard.succeeds("x2"), StageDispatched).task_id == "t1"
    assert device_of(shard, "t1") == "b"


def test_it_goes_back_when_the_other_device_is_gone() -> None:
    shard = busy_elsewhere()
    shard.leaves("b")
    assert device_of(shard, "t1") == "a"


@pytest.mark.parametrize("code", ["render_failed", "child_crashed"])
def test_other_failures_avoid_no_device(shard: Shard, code: str) -> None:
    shard.images("t1")
    assert runs_out(shard, "t1", code).avoid_device == ""
    shard.wait(RETRY)
    assert device_of(shard, "t1") == "a"


@given(st.lists(st.tuples(st.sampled_from(["out", "join", "leave", "work"]), st.sampled_from(DEVICES)), max_size=14))
@settings(max_examples=150, deadline=None)
def test_no_device_gets_a_stage_again_that_was_too_large_while_another_could(history: list[tuple[str, str]]) -> None:
    shard = Shard()
    shard.user()
    shard.device("a")
    shard.images("t")
    too_small: set[str] = set()
    for number, (what, device) in enumerate(history):
        task = shard.state.tasks.get("t")
        at = task.stages["shot-01"].device_id if task is not None and task.outstanding else ""
        live = {known.device_id for known in shard.state.live_devices()}
        if what == "out" and at:
            shard.report(StageFailedReport, "t", problem=Problem(code="out_of_memory", retryable=True))
            too_small.add(at)
        elif what == "join" and device not in live:
            shard.device(device, boot=f"boot-{number}")
        elif what == "leave" and device in live:
            shard.leaves(device, shard.state.devices[device].boot_id)
        elif what == "work":
            shard.images(f"w{number}")
        events = shard.wait(RETRY)
        live = {known.device_id for known in shard.state.live_devices()}
        sent = [e.device_id for e in events if isinstance(e, StageDispatched) and e.task_id == "t"]
        assert all(to not in too_small or live <= too_small for to in sent)
        if "t" in shard.state.tasks and live - too_small and len(live - too_small) == len(live):
            assert shard.state.tasks["t"].outstanding
