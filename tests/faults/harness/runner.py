"""One run from the first process to the report."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from msgspec import Struct
from rich.console import Console

from infra.audit.writing import write_checkpoint
from tests.faults.harness.arena import Arena
from tests.faults.harness.audit import CLIENTS, audit
from tests.faults.harness.checking import Checked, judge
from tests.faults.harness.figures import measure
from tests.faults.harness.inject.table import Inject, injectors
from tests.faults.harness.load.crowd import Crowd, settle
from tests.faults.harness.progress import elapsed, progress
from tests.faults.harness.report import Report, show
from tests.faults.harness.schedule import FAULTS, LONG_RUN, Fault, schedule

WARM_UP_S = 1.5
HEAL_S = 90.0
SETTLE_S = 120.0
INJECT_S = 180.0


class Order(Struct, frozen=True, kw_only=True):
    """What to run. Without `data` a temporary folder is used and removed when nothing was found."""

    seed: int
    kills: int
    faults: Collection[str] = FAULTS
    data: Path | None = None
    json: Path | None = None

    @property
    def replay(self) -> str:
        """The command for the same faults again."""
        chosen = "" if set(self.faults) == set(FAULTS) else f" --faults {','.join(sorted(self.faults))}"
        return f"python -m tests.faults --seed {self.seed} --kills {self.kills}{chosen}"


async def run(order: Order, console: Console) -> Report:
    """Run it, print the report, keep the data folder when something was found."""
    faults = schedule(order.seed, order.faults, long=order.kills >= LONG_RUN)  # raises before anything is started
    folder = order.data or Path(tempfile.mkdtemp(prefix="storyreel-faults-"))
    console.print(f"seed {order.seed}, {order.kills} kills; starting a stack in {folder}", highlight=False)
    began = time.monotonic()
    async with Arena(folder, lambda _: None) as arena:
        crowd = Crowd(arena.settings, order.seed)
        doing = Phase(arena, crowd, began, order.kills)
        try:
            async with progress(console, doing.line):
                await crowd.start()
                await asyncio.sleep(WARM_UP_S)
                await write_checkpoint(arena.settings, {})  # whatever becomes of the ledger, this much is signed
                await _inject(arena, injectors(crowd), faults, order.kills)
                doing.name = "healing"
                await arena.healed(HEAL_S)
                doing.name = "clients finish"
                await crowd.stop(SETTLE_S)
                await settle(crowd.book, crowd.clients, SETTLE_S)
                doing.name = "checking"
                checked = await judge(arena, crowd.book)
        finally:
            await crowd.close()
        report = _report(order, arena, crowd, checked, time.monotonic() - began)
    show(report, console, order.replay)
    (order.json or folder / "report.json").write_bytes(report.as_json())
    if order.data is None and not report.failed:
        shutil.rmtree(folder)
    return report


class Phase:
    """What the progress line tells."""

    def __init__(self, arena: Arena, crowd: Crowd, began: float, kills: int) -> None:
        self.name = "faults"
        self._arena, self._crowd, self._began, self._kills = arena, crowd, began, kills

    def line(self) -> str:
        book, journal = self._crowd.book, self._arena.journal
        counts = f"{journal.kills}/{self._kills} kills, {len(book.tasks)} tasks, {book.open} open"
        breaches = f", {len(book.breaches)} BREACHES" if book.breaches else ""
        return f"{elapsed(self._began)} {self.name}: {counts}, last: {journal.last or 'none'}{breaches}"


async def _inject(arena: Arena, inject: dict[str, Inject], faults: Iterator[Fault], kills: int) -> None:
    """Faults in their order until so many processes were killed."""
    most = 6 * kills + 60  # faults that do not come about must not make a run endless
    for fault in faults:
        if arena.journal.kills >= kills:
            return
        if fault.number >= most:
            arena.troubles.append(f"only {arena.journal.kills} of {kills} kills came about in {most} faults")
            return
        await asyncio.sleep(fault.pause)
        injection = arena.journal.begin(fault)
        try:
            await asyncio.wait_for(inject[fault.kind](arena, injection), INJECT_S)
        except Exception as error:
            injection.outcome, injection.note = "failed", repr(error)
        arena.journal.end(injection)


def _report(order: Order, arena: Arena, crowd: Crowd, checked: Checked, duration: float) -> Report:
    violations = [*checked.violations, *audit(crowd.book, crowd.clients, arena.troubles)]
    looked = checked.checked.copy()
    looked[CLIENTS] = len(crowd.book.answers)
    journal = arena.journal
    return Report(
        seed=order.seed,
        kills=journal.kills,
        injections=journal.injections,
        figures=measure(crowd.book, journal.injections, checked.ledger, checked.quiet_s, duration),
        checked=looked,
        violations=violations,
        proofs=checked.proofs,
        disk_by=journal.disk_by,
        seen=crowd.book.seen + Counter({"objects collected": checked.collected}),
        data=str(arena.data),
    )
