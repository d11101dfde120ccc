"""What a run measured: how fast lost work goes on, how long a handover and a recovery take, what was accepted meanwhile."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nlargest

from msgspec import Struct

from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import LedgerRecord
from schemas.tasks import StageCompleted, StageDispatched, StageRetryScheduled, StageStopped
from tests.faults.checker.records import Logged
from tests.faults.harness.journal import Injection
from tests.faults.harness.load.book import Answer, Book

_BROKER = frozenset({"broker-kill", "broker-outage"})
_DATABASE = frozenset({"postgres-restart"})
MOST = 15
WORK = ("images/generate", "videos/generate", "audio/generate", "scripts/storyboard")


class Spread(Struct, frozen=True):
    """Seconds: how many were measured, the middle one, the 95th percentile, the longest."""

    count: int
    p50: float
    p95: float
    longest: float


class Delay(Struct, frozen=True, order=True):
    """How long something took after a death at a Unix time."""

    seconds: float
    at: float


class Figures(Struct, kw_only=True):
    """Times in seconds. `tasks` counts accepted tasks by how they ended.

    `noticed`, `redispatch` and `handover` leave out what overlaps an absence of the broker; `slowest` has the longest of all.
    `answers_without_...` is how long calls of any kind took that were made while the part was away and were answered.
    """

    tasks: Counter[str]
    answers: Counter[str]
    noticed: Spread | None
    redispatch: Spread | None
    handover: Spread | None
    slowest: dict[str, list[Delay]]
    broker_recovery: Spread | None
    database_recovery: Spread | None
    accepted_without_broker: int
    accepted_without_database: int
    answers_without_broker: Spread | None
    answers_without_database: Spread | None
    accept_p99: float
    events: int
    quiet_s: float | None
    duration: float


def spread(values: Sequence[float]) -> Spread | None:
    """None when nothing was measured."""
    if not values:
        return None
    ordered = sorted(values)
    p50, p95 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95))
    return Spread(len(ordered), round(p50, 2), round(p95, 2), round(ordered[-1], 2))


def deaths(injections: Iterable[Injection], prefix: str) -> list[tuple[float, str]]:
    """When which process of a name died by a fault; a standby's death hands nothing over."""
    dead = [i for i in injections if i.fault.kind in {"kill", "crash-point"} and i.outcome == "done"]
    return [(i.ended, i.victim) for i in dead if i.victim.startswith(prefix) and "standby" not in i.victim]


def redispatch_times(ledger: Iterable[Logged], died: Sequence[tuple[float, str]]) -> list[Delay]:
    """From the death of a device to the new dispatch of each stage that was on it."""
    waiting: dict[tuple[str, str], float] = {}
    running: dict[tuple[str, str], str] = {}
    todo = sorted(died)
    found = []
    for logged in ledger:
        record = logged.record
        assert isinstance(record, LedgerRecord)
        now = record.envelope.occurred_at.timestamp()
        while todo and todo[0][0] < now:
            at, victim = todo.pop(0)
            device = victim.replace("device-", "cpu-")
            waiting |= {stage: at for stage, where in running.items() if where == device and stage not in waiting}
        match record:
            case StageDispatched(task_id=task, stage_id=stage, device_id=device):
                if (since := waiting.pop((task, stage), None)) is not None:
                    found.append(Delay(now - since, since))
                running[task, stage] = device
            case StageRetryScheduled(task_id=task, stage_id=stage):
                running.pop((task, stage), None)
            case StageCompleted(task_id=task, stage_id=stage) | StageStopped(task_id=task, stage_id=stage):
                running.pop((task, stage), None)
                waiting.pop((task, stage), None)  # the dead one had reported it
            case _:
                continue
    return found


def noticed_times(ledger: Iterable[Logged], died: Sequence[tuple[float, str]]) -> list[Delay]:
    """From the death of a device to the end of its lease on the log, from where on its stages wait for another one."""
    waiting: dict[str, float] = {}
    todo = sorted(died)
    live: set[str] = set()
    found = []
    for logged in ledger:
        record = logged.record
        assert isinstance(record, LedgerRecord)
        now = record.envelope.occurred_at.timestamp()
        while todo and todo[0][0] < now:
            at, victim = todo.pop(0)
            if (device := victim.replace("device-", "cpu-")) in live:
                waiting.setdefault(device, at)
        if isinstance(record, DeviceChanged):
            if record.status is DeviceStatus.LIVE:
                live.add(record.device_id)
            else:
                live.discard(record.device_id)
                if (since := waiting.pop(record.device_id, None)) is not None:
                    found.append(Delay(now - since, since))
    return found


def handover_times(ledger: Iterable[Logged], died: Sequence[tuple[float, str]]) -> list[Delay]:
    """From the death of the coordinator that decides to the next event of another one."""
    times = sorted(e.record.envelope.occurred_at.timestamp() for e in ledger if e.record is not None)
    places = [(at, bisect_left(times, at)) for at, _ in died]
    return [Delay(times[place] - at, at) for at, place in places if place < len(times)]


def recoveries(injections: Iterable[Injection], kinds: frozenset[str], good: Sequence[float]) -> list[float]:
    """From the return of a part to the next good answer."""
    healed = [i.healed for i in injections if i.fault.kind in kinds and i.healed]
    places = [(at, bisect_left(good, at)) for at in healed]
    return [good[place] - at for at, place in places if place < len(good)]


def within(injections: Iterable[Injection], kinds: frozenset[str], good: Sequence[float]) -> int:
    """Good answers to calls that arrived while the part was away."""
    spans = [(i.ended, i.healed) for i in injections if i.fault.kind in kinds and i.healed]
    return sum(bisect_left(good, end) - bisect_left(good, begin) for begin, end in spans)


def took_within(injections: Iterable[Injection], kinds: frozenset[str], answers: Iterable[Answer]) -> list[float]:
    """How long calls took that were made while the part was away; those without any answer have no time."""
    spans = [(i.ended, i.healed) for i in injections if i.fault.kind in kinds and i.healed]
    return [a.took for a in answers if a.status and any(begin <= a.at < end for begin, end in spans)]


def with_broker(delays: Iterable[Delay], injections: Iterable[Injection]) -> list[float]:
    """Seconds of those that ended without an absence of the broker between."""
    spans = [(i.began, i.healed) for i in injections if i.fault.kind in _BROKER and i.healed]
    return [d.seconds for d in delays if not any(begin < d.at + d.seconds and d.at < end for begin, end in spans)]


def measure(
    book: Book, injections: Sequence[Injection], ledger: Sequence[Logged], quiet_s: float | None, duration: float
) -> Figures:
    """All figures of a run."""
    posts = [a for a in book.answers if a.call in WORK]
    accepted = sorted(a.arrived for a in posts if a.status == 202)
    looked = book.arrivals("task")
    took = sorted(a.took for a in posts if a.status == 202)
    noticed = noticed_times(ledger, deaths(injections, "device"))
    redispatch = redispatch_times(ledger, deaths(injections, "device"))
    handover = handover_times(ledger, deaths(injections, "coordinator"))
    return Figures(
        tasks=Counter(task.status or "open" for task in book.tasks.values()),
        answers=Counter(f"{a.status or 'no answer'} {a.code}".strip() for a in posts),
        noticed=spread(with_broker(noticed, injections)),
        redispatch=spread(with_broker(redispatch, injections)),
        handover=spread(with_broker(handover, injections)),
        slowest={"redispatch": nlargest(MOST, redispatch), "handover": nlargest(MOST, handover)},
        broker_recovery=spread(recoveries(injections, _BROKER, accepted)),
        database_recovery=spread(recoveries(injections, _DATABASE, looked)),
        accepted_without_broker=within(injections, _BROKER, accepted),
        accepted_without_database=within(injections, _DATABASE, accepted),
        answers_without_broker=spread(took_within(injections, _BROKER, book.answers)),
        answers_without_database=spread(took_within(injections, _DATABASE, book.answers)),
        accept_p99=round(took[int(0.99 * len(took))], 3) if took else 0.0,
        events=len(ledger),
        quiet_s=quiet_s,
        duration=round(duration, 1),
    )
