"""A shard whose devices work in virtual time: every stage takes as long as it was expected to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.common import StageKind, StagePlan, Tier
from schemas.envelope import LedgerRecord
from schemas.render import StageSucceededReport
from schemas.tasks import StageDispatched
from streams.domain.policy import Policy
from tests.deciding import Shard

TICK = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Job:
    """One stage that is asked for `at_ms` after the beginning."""

    at_ms: int
    engine: str
    work_ms: int
    account: str = "ann"


class Yard:
    """`turns`: when it was a stage's turn and a device could have taken it; `dispatched`: when one did.

    With `room` every device holds so many models and tells which; without, it tells nothing.
    """

    def __init__(self, policy: Policy, devices: int, engines: Sequence[str], room: int = 0) -> None:
        self.shard = Shard(policy)
        self._room = room
        self.turns: dict[str, datetime] = {}
        self.dispatched: dict[str, datetime] = {}
        self.dispatches: list[tuple[StageDispatched, int]] = []
        self.switches = 0
        self._held: dict[str, list[str]] = {}
        self._busy: dict[str, datetime] = {}
        self._done: list[tuple[datetime, str]] = []
        for account in ("ann", "bob", "cay"):
            self.shard.user(account, tier=Tier.VIP)
        for number in range(devices):
            self.shard.device(f"gpu-{number}", engines=engines)

    def run(self, jobs: Sequence[Job]) -> None:
        """Ask for everything and work until all is done."""
        began, todo = self.shard.now, sorted(enumerate(jobs), key=lambda entry: entry[1].at_ms)
        while todo or self.shard.state.tasks:
            arrival = began + timedelta(milliseconds=todo[0][1].at_ms) if todo else None
            due = min((at for at in (arrival, *(at for at, _ in self._done)) if at is not None), default=None)
            tick = self.shard.now + TICK
            self.shard.now = max(self.shard.now, min(tick, due) if due is not None else tick)
            if todo and arrival is not None and arrival <= self.shard.now:
                self._ask(*todo.pop(0))
            else:
                self._finish()
            self._note_turns()

    def _ask(self, number: int, job: Job) -> None:
        stage = StagePlan(stage_id="s", kind=StageKind.SHOT, engine=job.engine, work=job.work_ms, deliver=True)
        request = replace(self.shard.image_request(f"t{number}", job.account), stages=[stage])
        self._take(self.shard.when(request))

    def _finish(self) -> None:
        ready = sorted(entry for entry in self._done if entry[0] <= self.shard.now)
        if not ready:
            self._take(self.shard.when(None))
            return
        self._done.remove(ready[0])
        stage = self.shard.state.tasks[ready[0][1]].stages["s"]
        loaded = self._held[stage.device_id][-self._room :] if self._room else None
        report = {"render_ms": stage.plan.work, "loaded": loaded}
        self._take(self.shard.report(StageSucceededReport, ready[0][1], "s", **report))

    def _take(self, events: Sequence[LedgerRecord]) -> None:
        for event in events:
            if isinstance(event, StageDispatched):
                self._start(event)

    def _start(self, event: StageDispatched) -> None:
        stage = self.shard.state.tasks[event.task_id].stages["s"]
        self.dispatched[event.task_id] = self.shard.now
        self.dispatches.append((event, stage.estimate_ms))
        if event.passed is not None:
            self.turns.setdefault(event.passed.task_id, self.shard.now)
        models = self._held.setdefault(event.device_id, [])
        most = self.shard.policy.models_held
        if stage.plan.engine not in models[-most:] and len(models) >= most:
            self.switches += 1
        self._held[event.device_id] = [*(m for m in models if m != stage.plan.engine), stage.plan.engine]
        free = max(self.shard.now, self._busy.get(event.device_id, self.shard.now))
        self._busy[event.device_id] = free + timedelta(milliseconds=stage.plan.work)
        self._done.append((self._busy[event.device_id], event.task_id))

    def _note_turns(self) -> None:
        """The stage that waits longest, while a device has room for it and does not get it."""
        policy, state = self.shard.policy, self.shard.state
        room = any(not d.outstanding or d.load_ms < policy.credit_ms for d in state.live_devices())
        waiting = [(number, key[0]) for lanes in state.queue.lanes.get(9, {}).values() for number, key in _all(lanes)]
        if room and waiting:
            self.turns.setdefault(min(waiting)[1], self.shard.now)


def _all(lanes: object) -> list[tuple[int, tuple[str, str]]]:
    return [item for lane in lanes.values() for item in lane.items.values()]  # type: ignore[attr-defined]
