"""The agent gives its lease up in time, on a clock of the test."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_agents.child.jobs import progress_sender
from gpu_agents.child.protocol import Progressed, Reply
from gpu_agents.worker.device import child_environment, parse_device
from gpu_agents.worker.grace import StepTime, grace_of
from gpu_agents.worker.heartbeat import Heartbeat
from gpu_agents.worker.lease import Lease, LeaseLostError
from gpu_agents.worker.progress import Throttle, percent_of
from schemas.errors import ConfigurationError, InfrastructureError
from schemas.render import DeviceHeartbeat

LEASE = Lease(device_id="cpu-0", boot_id="b", slot=0, epoch=4)


class World:
    """A clock that only sleeping and sending move. `takes` are seconds each send needs; None = no answer."""

    def __init__(self, takes: list[float | None]) -> None:
        self.now = 100.0
        self.takes = takes
        self.acked_at = 100.0
        self.records: list[DeviceHeartbeat] = []

    async def send(self, record: DeviceHeartbeat, timeout: float) -> None:
        self.records.append(record)
        sent, takes = self.now, self.takes.pop(0) if self.takes else None
        if takes is None or takes > timeout:
            self.now += timeout
            raise InfrastructureError("no answer")
        self.now += takes
        self.acked_at = sent

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


@given(st.lists(st.none() | st.floats(0, 3), max_size=30))
async def test_the_lease_is_given_up_eight_seconds_after_the_last_good_heartbeat(takes: list[float | None]) -> None:
    world = World(takes)
    heartbeat = Heartbeat(
        LEASE,
        world.send,
        interval=2.0,
        lease_timeout=10.0,
        running=lambda: ["t/s/1"],
        memory_used=lambda: 5,
        clock=lambda: world.now,
        sleep=world.sleep,
    )
    with pytest.raises(LeaseLostError):
        await heartbeat.run()
    assert world.now == pytest.approx(world.acked_at + 8.0)
    assert {(r.epoch, r.boot_id, r.memory_used, *r.running) for r in world.records} == {(4, "b", 5, "t/s/1")}


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=100))
def test_progress_passes_at_most_four_times_a_second(steps: list[float]) -> None:
    now = 0.0
    throttle = Throttle(0.25, lambda: now)
    passed = []
    for step in steps:
        now += step
        if throttle.passes():
            passed.append(now)
    assert passed[0] == steps[0]
    assert all(b - a >= 0.25 for a, b in itertools.pairwise(passed))


@pytest.mark.parametrize(("fraction", "percent"), [(-1.0, 0.0), (0.0, 0.0), (0.3333, 33.3), (1.0, 100.0), (7.0, 100.0)])
def test_percent(fraction: float, percent: float) -> None:
    assert percent_of(fraction) == percent


def test_the_child_tells_the_first_and_the_last_step() -> None:
    told: list[Reply] = []
    send = progress_sender("j", told.append, lambda: 1.0)
    for step in range(101):
        send(step / 100, step, 100, None)
    assert [message.step for message in told if isinstance(message, Progressed)] == [0, 100]


@pytest.mark.parametrize(("step", "grace"), [(0.0, 2.0), (0.9, 2.0), (4.0, 8.0), (60.0, 30.0)])
def test_the_grace_is_two_steps_within_bounds(step: float, grace: float) -> None:
    assert grace_of(step) == grace


@pytest.mark.parametrize(
    ("reports", "seconds"),
    [
        ([], 0.0),
        ([(1, 90.0)], 0.0),  # the first one comes after loading and preparing
        ([(1, 90.0), (2, 93.0)], 3.0),
        ([(1, 90.0), (5, 94.0)], 1.0),  # most reports of a fast job are left out
        ([(1, 90.0), (2, 93.0), (2, 150.0)], 3.0),
        ([(1, 90.0), (2, 93.0), (3, 93.5)], 0.5),
    ],
)
def test_the_time_of_a_step_lies_between_two_reports(reports: list[tuple[int, float]], seconds: float) -> None:
    steps = StepTime()
    for step, at in reports:
        steps.reported(step, at)
    assert steps.seconds == seconds


def test_devices_are_named_by_kind_and_number() -> None:
    assert (parse_device("cpu-0").kind, parse_device("node7-cuda-12").index) == ("cpu", 12)
    for bad in ("gpu-0", "cpu", "cpu-", "CPU-0", "cpu-0/../x", "-cpu-0"):
        with pytest.raises(ConfigurationError, match="--device"):
            parse_device(bad)


def test_the_child_sees_one_gpu_and_no_secret_of_the_product() -> None:
    environ = {
        "PATH": "/bin",
        "STORYREEL_KEK": "k",
        "STORYREEL_KAFKA": "k",
        "STORYREEL_S3_SECRET_KEY": "k",
        "DATABASE_URL": "k",
        "STORYREEL_LOG_LEVEL": "DEBUG",
        "OPENAI_API_KEY": "sk",
        "CUDA_VISIBLE_DEVICES": "0,1,2",
    }
    kept = {"PATH": "/bin", "STORYREEL_LOG_LEVEL": "DEBUG", "OPENAI_API_KEY": "sk"}
    assert child_environment(parse_device("cuda-2"), environ) == kept | {"CUDA_VISIBLE_DEVICES": "2"}
    assert child_environment(parse_device("cpu-2"), environ) == kept | {"CUDA_VISIBLE_DEVICES": ""}
