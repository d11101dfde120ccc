"""One simulated history: clients, devices, owners and faults under one seed, then a healed world in which all must drain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from msgspec.structs import replace

from schemas.envelope import Record
from tests.faults.simulation.devices import Device
from tests.faults.simulation.log import FencedError, MemoryLog, Transaction
from tests.faults.simulation.owner import Fold, Owner, Rules
from tests.faults.simulation.requests import Clients

START = datetime(2026, 5, 4, 23, 58, tzinfo=UTC)  # so that many histories cross a day of the quota
ENGINES = (("null", "animatic"), ("null", "animatic"), ("null", "sketch"), ("sketch",), ("null", "animatic", "sketch"))
MOST_ROUNDS = 600  # of the healed world, some with long waits


class World:
    """`at` is monotonic time, seconds; the API's clock follows it, the owner's is `skew` off."""

    def __init__(self, seed: int, rules: Rules, requests: int, faults: int) -> None:
        self.rng = Random(seed)
        self.log = MemoryLog()
        self.log.cached_charge = seed % 2
        self.rules = rules = replace(rules, policy=replace(rules.policy, cached_charge=self.log.cached_charge))
        self.standby = Fold(rules)
        self.owner: Owner | None = Owner(self.log, self.standby, rules)
        self.zombies: list[tuple[Owner, Transaction]] = []
        self.at = 0.0
        self.skew = 0.0
        self.skew_until = 0.0
        self.absent_until = 0.0
        self.crash = ""
        self.repeat_requests = self.repeat_reports = self.hold_reports = 0.0
        self.held: list[tuple[float, Record]] = []
        self.faults: list[str] = []
        self.clients = Clients(self.rng)
        risk = self.rng.choice((0.03, 0.15, 0.3, 0.6))
        self.devices = [
            Device(f"device-{n}", engines, self.log, self.rng, self.send, risk) for n, engines in enumerate(ENGINES)
        ]
        self._due = sorted(self.rng.randrange(requests) for _ in range(faults))
        self._steps = requests

    def now(self) -> datetime:
        """The API's clock."""
        return START + timedelta(seconds=self.at)

    def send(self, report: Record) -> None:
        """A report on its way: now, twice, or later than the ones behind it."""
        for _ in range(2 if self.rng.random() < self.repeat_reports else 1):
            if self.rng.random() < self.hold_reports:
                self.held.append((self.at + self.rng.uniform(0.1, 20), report))
            else:
                self.log.reports.append(report)

    def run(self) -> str:
        """Play the history; returns why it did not drain, or nothing."""
        self.log.requests += self.clients.registrations(self.now())
        for device in self.devices[: self.rng.randint(2, 4)]:
            device.start(self.at)
        self._step(0.1)
        for step in range(self._steps):
            while self._due and self._due[0] <= step:
                self._due.pop(0)
                self._fault()
            self._ask()
            self._step(self.rng.choice((0.05, 0.1, 0.2, 0.4, 0.4, 1.0, 2.5)))
        return self._drain()

    def _ask(self) -> None:
        request = self.clients.next(self.now())
        for _ in range(2 if self.rng.random() < self.repeat_requests else 1):
            self.log.requests.append(request)

    def _fault(self) -> None:
        kind = self.rng.choice(list(FAULTS))
        self.faults.append(kind)
        FAULTS[kind](self)

    def _step(self, seconds: float) -> bool:
        """Let time pass, deliver what is due, let devices and owner work; whether anything was committed."""
        self.at += seconds
        if self.at >= self.skew_until:
            self.skew = 0.0
        due = [report for at, report in self.held if at <= self.at]
        self.held = [(at, report) for at, report in self.held if at > self.at]
        self.log.reports += due
        for device in self.devices:
            if device.act(self.at) and self.owner is not None:
                self.owner.hear(device.device_id, device.epoch, self.at)
        if self.owner is None and self.at >= self.absent_until:
            self.owner = Owner(self.log, self.standby, self.rules)
        written = self._own() if self.owner is not None else False
        self._wake_zombies()
        return written

    def _own(self) -> bool:
        assert self.owner is not None
        now = self.now() + timedelta(seconds=self.skew)
        batch = self.owner.decide(now, self.at, self.rng, self.rng.choice((2, 10, 100)))
        crash, self.crash = self.crash, ""
        if batch is None:
            if crash:
                self.owner = None
            return False
        if crash == "paused":
            self.zombies.append((self.owner, batch))
            self.owner = Owner(self.log, self.standby, self.rules)
            return False
        if crash == "before commit":
            self.log.aborted += 1
        else:
            self.owner.commit(batch)
        if crash:
            self.owner = None
        return True

    def _wake_zombies(self) -> None:
        """Owners that were paused with a batch in their hands go on and try to commit it."""
        if not self.zombies or self.rng.random() < 0.5:
            return
        zombie, batch = self.zombies.pop()
        try:
            zombie.commit(batch)
        except FencedError:
            self.log.aborted += 1

    def _drain(self) -> str:
        self.skew, self.crash, self.absent_until = 0.0, "", 0.0
        self.repeat_requests = self.repeat_reports = self.hold_reports = 0.0
        for device in self.devices:
            device.risk, device.silent_until = 0.0, 0.0
            if not device.alive:
                device.start(self.at)
        self.log.requests += self.clients.releases(self.now())
        wait = 0.5
        for _ in range(MOST_ROUNDS):
            written = self._step(wait)
            assert self.owner is not None
            if not self.owner.state.tasks and not self.owner.behind and not self.held:
                return ""
            wait = 0.5 if written or self.owner.behind else min(wait * 2, 120.0)
        assert self.owner is not None
        left = sorted(self.owner.state.tasks)
        return f"I1 {len(left)} tasks never end: {', '.join(left[:5])}"


def _crash(where: str) -> Callable[[World], None]:
    def apply(world: World) -> None:
        world.crash = where
        world.absent_until = world.at + world.rng.choice((0.0, 0.0, 1.0, 4.0))

    return apply


def _hand_over(world: World) -> None:
    world.owner = Owner(world.log, world.standby, world.rules)


def _outage(world: World) -> None:
    world.owner = None
    world.absent_until = world.at + world.rng.uniform(1, 30)


def _skew(most: float) -> Callable[[World], None]:
    def apply(world: World) -> None:
        world.skew = world.rng.uniform(-most, most)
        world.skew_until = world.at + world.rng.uniform(0.5, 6)

    return apply


def _any(world: World) -> Device:
    return world.rng.choice([device for device in world.devices if device.alive] or world.devices)


def _silence(world: World) -> None:
    _any(world).silent_until = world.at + world.rng.uniform(1, 40)


def _restart(world: World) -> None:
    world.rng.choice(world.devices).start(world.at)


def _unsteady(world: World) -> None:
    world.repeat_requests = world.rng.choice((0.0, 0.3))
    world.repeat_reports = world.rng.choice((0.0, 0.3))
    world.hold_reports = world.rng.choice((0.0, 0.1, 0.4))


def _repeat_old_report(world: World) -> None:
    if world.log.reports:
        world.log.reports += world.rng.choices(world.log.reports[-40:], k=3)


def _cancel_race(world: World) -> None:
    world.log.requests += [world.clients.cancel(world.now()) for _ in range(3)] if world.clients.has_work else []


def _jump(world: World) -> None:
    world.at += world.rng.choice((3.0, 12.0, 70.0))


FAULTS: dict[str, Callable[[World], None]] = {
    "owner dies before its commit": _crash("before commit"),
    "owner dies after its commit": _crash("after commit"),
    "owner is paused before its commit": _crash("paused"),
    "owner changes": _hand_over,
    "no owner": _outage,
    "clock a little off": _skew(3),
    "clock an hour off": _skew(3_600),
    "device dies unseen": lambda world: _any(world).die(seen=False),
    "device dies seen": lambda world: _any(world).die(seen=True),
    "device is stopped and goes on": _silence,
    "device starts": _restart,
    "inputs repeated and reordered": _unsteady,
    "old reports again": _repeat_old_report,
    "cancels race": _cancel_race,
    "everybody sleeps": _jump,
}
