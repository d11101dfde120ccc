"""Times are measured from the faults and the log, by stage and by process."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import Envelope, LedgerRecord
from schemas.tasks import StageCompleted, StageDispatched, StageRetryScheduled, TaskQueued
from tests.faults.checker.records import Logged, Raw
from tests.faults.harness.figures import (
    Delay,
    deaths,
    handover_times,
    noticed_times,
    recoveries,
    redispatch_times,
    spread,
    with_broker,
    within,
)
from tests.faults.harness.journal import Injection
from tests.faults.harness.schedule import Fault


def logged(kind: type[LedgerRecord], at: float, **fields: object) -> Logged:
    envelope = Envelope(occurred_at=datetime.fromtimestamp(at, UTC))
    return Logged("tasks", 0, Raw(0, None, None), kind(envelope=envelope, **fields))  # type: ignore[arg-type]


def killed(target: str, victim: str, at: float, outcome: str = "done") -> Injection:
    fault = Fault(number=0, kind="kill", target=target)
    return Injection(fault=fault, began=at, ended=at, victim=victim, outcome=outcome)


def test_only_stages_on_the_dead_device_are_timed_each_once() -> None:
    ledger = [
        logged(StageDispatched, 1, task_id="a", stage_id="one", device_id="cpu-0"),
        logged(StageDispatched, 1, task_id="a", stage_id="two", device_id="cpu-1"),
        logged(StageDispatched, 1, task_id="b", stage_id="one", device_id="cpu-0"),
        logged(StageDispatched, 1, task_id="c", stage_id="one", device_id="cpu-0"),
        logged(StageCompleted, 2, task_id="c", stage_id="one"),
        logged(StageCompleted, 6, task_id="b", stage_id="one"),  # had been reported before the death
        logged(StageRetryScheduled, 7, task_id="a", stage_id="one"),
        logged(StageDispatched, 8, task_id="a", stage_id="one", device_id="cpu-1"),
        logged(StageDispatched, 9, task_id="a", stage_id="two", device_id="cpu-1"),
        logged(StageDispatched, 9, task_id="b", stage_id="one", device_id="cpu-1"),
    ]
    died = deaths([killed("device:0", "device-0", 5), killed("device:1", "device-1", 5, "not reached")], "device")
    assert redispatch_times(ledger, died) == [Delay(3.0, 5)]


def test_a_lease_is_timed_from_the_death_of_its_device_to_its_end() -> None:
    def changed(at: float, device: str, status: DeviceStatus) -> Logged:
        return logged(DeviceChanged, at, device_id=device, status=status)

    ledger = [
        changed(1, "cpu-0", DeviceStatus.LIVE),
        changed(1, "cpu-1", DeviceStatus.LIVE),
        changed(4, "cpu-1", DeviceStatus.LEFT),  # before it was killed: nothing was left to notice
        changed(7, "cpu-0", DeviceStatus.LOST),
        changed(9, "cpu-0", DeviceStatus.LIVE),
        changed(11, "cpu-0", DeviceStatus.LEFT),
    ]
    died = deaths([killed("device:0", "device-0", 5), killed("device:1", "device-1", 6)], "device")
    assert noticed_times(ledger, died) == [Delay(2.0, 5)]


def test_a_standby_hands_nothing_over() -> None:
    ledger = [logged(TaskQueued, at) for at in (1, 4, 9)]
    injections = [
        killed("coordinator:standby", "coordinator-2 (standby)", 2),
        killed("coordinator:ready", "coordinator", 5),
        killed("coordinator:ready", "coordinator-2", 10),  # nothing came after it
    ]
    assert handover_times(ledger, deaths(injections, "coordinator")) == [Delay(4.0, 5)]


def test_recovery_is_from_the_return_to_the_next_good_answer() -> None:
    outage = Injection(fault=Fault(number=0, kind="broker-kill"), began=10, ended=10, healed=20)
    other = Injection(fault=Fault(number=1, kind="stop"), began=1, ended=1, healed=2)
    kinds = frozenset({"broker-kill"})
    assert recoveries([outage, other], kinds, [5, 15, 21.5, 30]) == [1.5]
    assert within([outage, other], kinds, [5, 15, 21.5, 30]) == 1


def test_a_delay_that_meets_an_absence_of_the_broker_does_not_count() -> None:
    outage = Injection(fault=Fault(number=0, kind="broker-kill"), began=10, ended=10, healed=20)
    delays = [Delay(1.0, 8), Delay(3.0, 8), Delay(1.0, 19), Delay(2.0, 20)]
    assert with_broker(delays, [outage]) == [1.0, 2.0]


def test_a_spread_of_nothing_is_none_and_of_one_is_that_one() -> None:
    assert spread([]) is None
    one = spread([3.0])
    assert one is not None
    assert (one.count, one.p50, one.p95, one.longest) == (1, 3.0, 3.0, 3.0)
