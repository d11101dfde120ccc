"""Whose lease lapses when: only those who are silent while the coordinator listens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.render import DeviceHeartbeat
from streams.domain.devices import LeaseLapsed
from streams.domain.state import ShardState
from streams.heartbeats import LeaseClocks
from tests.deciding import Shard

TIMEOUT = 10.0
STEP = 0.25


class Listener:
    """A coordinator that polls every quarter of a second while `hears` advances its time."""

    def __init__(self, *devices: str) -> None:
        self.shard = Shard()
        for device in devices:
            self.shard.device(device)
        self.clocks = LeaseClocks(TIMEOUT)
        self.now = 1_000.0

    @property
    def state(self) -> ShardState:
        return self.shard.state

    def beat(self, device: str) -> DeviceHeartbeat:
        return DeviceHeartbeat(device_id=device, epoch=self.state.devices[device].epoch)

    def hears(self, seconds: float, *alive: str, epochs_late: bool = False) -> set[str]:
        """Poll for a while with a heartbeat of each living device every 2 s; returns who lapsed."""
        lapsed: set[str] = set()
        for step in range(round(seconds / STEP)):
            self.now += STEP
            beats = [self.beat(device) for device in alive] if step % 8 == 0 else []
            if epochs_late:
                beats = [DeviceHeartbeat(device_id=b.device_id, epoch=b.epoch - 1) for b in beats]
            self.clocks.polled(self.now, beats)
            lapsed |= {fact.device_id for fact in self.clocks.lapsed(self.now, self.state)}
        return lapsed


def test_a_silent_device_lapses_after_the_timeout_and_not_before() -> None:
    listener = Listener("cpu-0", "cpu-1")
    assert listener.hears(4, "cpu-0", "cpu-1") == set()
    assert listener.hears(7.5, "cpu-0") == set()
    assert listener.hears(3, "cpu-0") == {"cpu-1"}


def test_a_device_that_never_beats_after_it_joined_lapses() -> None:
    listener = Listener("cpu-0")
    assert listener.hears(9.5) == set()
    assert listener.hears(1.5) == {"cpu-0"}


def test_the_lapse_names_the_epoch_that_is_live() -> None:
    listener = Listener("cpu-0")
    listener.shard.device("cpu-0", boot="boot-2")
    listener.hears(9.5)
    listener.now += 1.0
    listener.clocks.polled(listener.now, [])
    facts = listener.clocks.lapsed(listener.now, listener.state)
    assert facts == [LeaseLapsed(device_id="cpu-0", epoch=2)]


def test_heartbeats_of_an_older_epoch_keep_nothing_alive() -> None:
    listener = Listener("cpu-0")
    listener.shard.device("cpu-0", boot="boot-2")
    assert listener.hears(11, "cpu-0", epochs_late=True) == {"cpu-0"}


def test_before_the_first_poll_nobody_is_judged() -> None:
    listener = Listener("cpu-0")
    assert listener.clocks.lapsed(listener.now + 1e6, listener.state) == []


@pytest.mark.parametrize("gap", [3.5, 12.0, 3_600.0])
def test_a_gap_in_reading_restarts_all_clocks(gap: float) -> None:
    """The broker was away, or this process was stopped or slept."""
    listener = Listener("cpu-0", "cpu-1")
    listener.hears(8, "cpu-0")
    listener.now += gap
    assert listener.clocks.lapsed(listener.now, listener.state) == [], "not even in the moment it wakes up"
    assert listener.hears(9.5, "cpu-0") == set()
    assert listener.hears(1, "cpu-0") == {"cpu-1"}


def test_clocks_of_ended_leases_are_let_go() -> None:
    listener = Listener("cpu-0")
    for boot in range(50):
        listener.shard.device("cpu-0", boot=f"again-{boot}")
        listener.hears(1, "cpu-0")
    assert len(listener.clocks._seen) <= 2


@given(st.lists(st.tuples(st.floats(0.05, 30.0), st.booleans()), min_size=1, max_size=60))
def test_nobody_lapses_who_was_heard_within_the_timeout_or_was_not_listened_to(
    polls: list[tuple[float, bool]],
) -> None:
    listener = Listener("cpu-0")
    last_good = listener.now
    previous: float | None = None
    for pause, beats in polls:
        listener.now += pause
        if beats or previous is None or listener.now - previous > TIMEOUT / 3:
            last_good = listener.now
        previous = listener.now
        listener.clocks.polled(listener.now, [listener.beat("cpu-0")] if beats else [])
        if listener.clocks.lapsed(listener.now, listener.state):
            assert listener.now - last_good > TIMEOUT
