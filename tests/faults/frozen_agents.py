"""Agents that are stopped past their lease and then go on: `python -m tests.faults.frozen_agents --stops 100`.

Real agent processes under a real coordinator render pictures of about half a second. In each round all agents get SIGSTOP
until their leases have run out, then SIGCONT, and come to life with what they had rendered or reported half. `judge` reads
the whole log afterwards: late outcomes changed nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiokafka import TopicPartition
from msgspec import Struct
from msgspec.structs import replace

from infra.kafka import assigned, settled_end
from infra.keystore import DataKey, open_keystore, seal
from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from schemas.common import StageKind, StagePlan
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import LedgerRecord, Record
from schemas.ids import new_id
from schemas.purposes import aad
from schemas.quotas import QuotaCommitted, QuotaReserved
from schemas.render import StageReport, StageStartedReport, StageSucceededReport
from schemas.requests import ImageRequested
from schemas.specs import ShotSpec
from schemas.tasks import StageCompleted, StageStarted, TaskCompleted
from schemas.topics import REPORTS, TOPICS
from tests.integration.coordinator.desk import Desk, envelope, info, read_ledger

ROOT = Path(__file__).parents[2]
ENGINE = "puppet=tests.unit.gpu_agents.engines:PuppetEngine"
PATIENCE = 60.0
TRUSTING = 60.0  # seconds
QUICK = 20  # tasks a round and agent of which most of the time goes into storing and reporting


class Verdict(Struct, frozen=True, kw_only=True):
    """What the log tells. `late` are reports of starts and successes that no event followed; the lists are what must not be."""

    tasks: int
    epochs: int
    late: int
    not_completed_once: list[str]
    not_charged_once: list[str]
    of_dead_epochs: list[str]
    epochs_not_growing: list[str]

    @property
    def holds(self) -> bool:
        """Whether late outcomes changed nothing."""
        return not (self.not_completed_once or self.not_charged_once or self.of_dead_epochs or self.epochs_not_growing)


def judge(asked: set[str], ledger: list[LedgerRecord], reports: list[Record]) -> Verdict:
    """Go through the ledger in its order and count. Pure."""
    live: dict[str, int] = {}
    highest: dict[int, int] = {}
    completed, reserved, charged = Counter[str](), Counter[str](), Counter[str]()
    done: set[tuple[str, str, str, int, int]] = set()
    dead, shrinking, epochs = [], [], 0
    for record in ledger:
        match record:
            case DeviceChanged(status=DeviceStatus.LIVE):
                epochs += 1
                if record.epoch <= highest.get(record.slot, 0):
                    shrinking.append(f"slot {record.slot}: epoch {record.epoch} after {highest[record.slot]}")
                live[record.device_id] = highest[record.slot] = record.epoch
            case DeviceChanged():
                live.pop(record.device_id, None)
            case StageStarted() | StageCompleted():
                if live.get(record.device_id) != record.epoch:
                    dead.append(
                        f"{type(record).__name__} of {record.task_id} by {record.device_id} epoch {record.epoch}"
                    )
                kind = StageStartedReport if isinstance(record, StageStarted) else StageSucceededReport
                done.add((kind.__name__, record.task_id, record.stage_id, record.attempt, record.epoch))
            case TaskCompleted():
                completed[record.task_id] += 1
            case QuotaReserved():
                reserved[record.task_id] += 1
            case QuotaCommitted():
                charged[record.task_id] += 1
    outcomes = [report for report in reports if isinstance(report, StageStartedReport | StageSucceededReport)]
    told = {(type(r).__name__, r.task_id, r.stage_id, r.attempt, r.epoch) for r in outcomes}
    return Verdict(
        tasks=len(asked),
        epochs=epochs,
        late=len(told - done),
        not_completed_once=[task for task in asked if completed[task] != 1],
        not_charged_once=[task for task in asked if (reserved[task], charged[task]) != (1, 1)],
        of_dead_epochs=dead,
        epochs_not_growing=shrinking,
    )


class Arena:
    """Agents to be frozen, and a desk that keeps them busy."""

    def __init__(self, desk: Desk, agents: dict[str, asyncio.subprocess.Process]) -> None:
        self.desk = desk
        self.agents = agents
        self.asked: set[str] = set()
        self.stops = 0
        self._account = ""
        self._key: DataKey | None = None

    async def open_account(self) -> None:
        """An account with a key, under which its pictures are sealed."""
        self._account = await self.desk.account()
        keystore = open_keystore(self.desk.settings, {})
        try:
            self._key = keystore.account_key(self._account, create=True)
        finally:
            keystore.close()

    async def ask(self, count: int, prompt: str = "last 0.5") -> None:
        """Ask for so many pictures of the puppet engine, which does what the prompt says."""
        assert self._key is not None
        sealed = seal(self._key, ShotSpec(prompt=prompt), aad(self._account, "spec"))
        plan = StagePlan(stage_id="shot-01", kind=StageKind.SHOT, engine="puppet", deliver=True, sealed=sealed)
        requests = [
            ImageRequested(envelope=envelope(self._account), request=info(new_id()), stages=[plan], width=64, height=64)
            for _ in range(count)
        ]
        await asyncio.gather(*map(self.desk.ask, requests))
        self.asked |= {request.request.task_id for request in requests}

    async def freeze(self) -> None:
        """Stop all agents while they render until all leases ran out, go on, wait for new epochs and the end of all work.

        Work left over would be lost once more in the next round, and only so many losses are forgiven.
        """
        await self.ask(2 * len(self.agents))
        await self.ask(QUICK * len(self.agents), "last 0")
        await self.desk.until(lambda: self._rendering() >= len(self.agents) // 2, PATIENCE)
        before = self.epochs()
        for agent in self.agents.values():
            agent.send_signal(signal.SIGSTOP)
        self.stops += len(self.agents)
        try:
            await self.desk.until(lambda: self._lost() >= set(before.items()), PATIENCE)
        finally:
            for agent in self.agents.values():
                agent.send_signal(signal.SIGCONT)
        await self.desk.until(lambda: all(self.epochs()[d] > before[d] for d in self.agents), PATIENCE)
        await self.finish()

    async def finish(self) -> None:
        """Wait until all work is done."""
        await self.desk.until(lambda: {t.task_id for t in self.desk.all(TaskCompleted)} >= self.asked, PATIENCE)

    async def verdict(self) -> Verdict:
        """Judge everything that is on the log."""
        ledger = [record for _, record in await read_ledger(self.desk)]
        return judge(self.asked, ledger, await self._reports())

    def epochs(self) -> dict[str, int]:
        """The newest live epoch of every device, 0 before its first."""
        found = dict.fromkeys(self.agents, 0)
        for record in self.desk.all(DeviceChanged, status=DeviceStatus.LIVE):
            found[record.device_id] = record.epoch
        return found

    def _lost(self) -> set[tuple[str, int]]:
        return {(d.device_id, d.epoch) for d in self.desk.all(DeviceChanged) if d.status is not DeviceStatus.LIVE}

    def _rendering(self) -> int:
        ended = {(s.task_id, s.epoch) for s in self.desk.all(StageCompleted)}
        alive = self.epochs()
        started = [s for s in self.desk.all(StageStarted) if alive[s.device_id] == s.epoch]
        return len({s.device_id for s in started if (s.task_id, s.epoch) not in ended})

    async def _reports(self) -> list[Record]:
        place = TopicPartition(REPORTS.name, 0)
        end = (await settled_end(self.desk.settings.kafka, [place]))[place]
        found: list[Record] = []
        async with assigned(self.desk.settings.kafka, {place: 0}) as consumer:
            while await consumer.position(place) < end:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += [self.desk.codec.decode(message.value) for message in batch]
        return [record for record in found if isinstance(record, StageReport) and record.task_id in self.asked]


@asynccontextmanager
async def arena(settings: Settings, agents: int) -> AsyncIterator[Arena]:
    """Agents that all hold a lease; a coordinator with the same settings runs already.

    Every other one takes its lease for a long one: it works on after a stop until the log tells it better.
    """
    async with AsyncExitStack() as opened:
        desk = await opened.enter_async_context(Desk(settings, await load_codec(settings)).open())
        running = {}
        for number in range(agents):
            device = f"frozen-cpu-{number}"
            judging = settings if number % 2 else replace(settings, lease_timeout=TRUSTING)
            running[device] = await opened.enter_async_context(agent_process(judging, device))
        made = Arena(desk, running)
        await made.open_account()
        await desk.until(lambda: all(made.epochs().values()), PATIENCE)
        yield made


@asynccontextmanager
async def agent_process(settings: Settings, device: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real agent with the puppet engine, killed at the end."""
    command = (sys.executable, "-m", "gpu_agents", "--device", device, "--offer", "puppet", "--engine", ENGINE)
    process = await asyncio.create_subprocess_exec(*command, env=dict(os.environ) | settings.to_env(), cwd=ROOT)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def short_leases(settings: Settings, lease: float) -> Settings:
    """Settings under which a lease runs out while a person watches."""
    return replace(settings, lease_timeout=lease, heartbeat_interval=lease / 5, retry_wait=0.5)


async def main(stops: int, agents: int, lease: float) -> int:
    """A stack of its own, so many stops, a verdict. Exit status 1 if late outcomes changed something."""
    base = short_leases(Settings(device_slots=2 * agents), lease)
    options = StackOptions(apps=("coordinator",), topics=TOPICS, base=base)
    with tempfile.TemporaryDirectory(prefix="storyreel-frozen-") as folder:
        Path(folder).chmod(0o711)
        async with LocalStack(Path(folder), options=options) as stack, arena(stack.settings, agents) as opened:
            began = time.monotonic()
            while opened.stops < stops:
                await opened.freeze()
            verdict = await opened.verdict()
    print(
        f"{opened.stops} stops of {agents} agents past a lease of {lease:g} s in {time.monotonic() - began:.0f} s: "
        f"{verdict.tasks} tasks, {verdict.epochs} epochs, {verdict.late} late reports"
    )
    for problem in ("not_completed_once", "not_charged_once", "of_dead_epochs", "epochs_not_growing"):
        print(f"  {problem.replace('_', ' ')}: {len(found := getattr(verdict, problem))} {found[:5] or ''}")
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=100)
    parser.add_argument("--agents", type=int, default=5)
    parser.add_argument("--lease", type=float, default=2.0, help="seconds")
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.stops, options.agents, options.lease)))
