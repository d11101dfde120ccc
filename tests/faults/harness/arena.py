"""The stack under test and every handle a fault needs on it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import psutil
from msgspec.structs import replace

from infra.crash_points import FOLDER as CRASH_POINTS
from infra.local import ports
from infra.local.apps import APPS
from infra.local.lifecycle import StackError, State
from infra.local.runner import Runner
from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from schemas.topics import TOPICS
from tests.faults.harness.journal import Injection, Journal
from tests.faults.harness.volume import Volume, open_volume

LEASE_S, HEARTBEAT_S, RETRY_S = 2.0, 0.4, 1.0
DEVICES = 2
LARGEST_RECORD = 12_000_000  # bytes that every topic takes, so that poison can be larger than the product ever writes
STORE_FAULTS = "STORYREEL_STORE_FAULTS"
PATIENCE = 60.0


class Arena:
    """A running stack in `data`, with folders for armed crash points and store faults, and small disks where possible.

    Use it in the main thread as an async context manager. `healing` are faults in effect: awaiting them heals all.
    """

    def __init__(self, data: Path, tell: Callable[[str], None]) -> None:
        self.data = data
        self.crash_points = data / "crash-points"
        self.store_faults = data / "store-faults"
        for folder in (data, self.crash_points, self.store_faults):
            folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(data / "faults.log", tell)
        self.volume: Volume = open_volume(data / "objects", data / "scratch")
        self.journal.disk_by = self.volume.means
        self.healing: set[asyncio.Task[None]] = set()
        self.broker_away = False
        self.troubles: list[str] = []  # what did not come back as it should
        self.names: dict[int, str] = {}  # pid -> process, for those that died meanwhile
        self._variables = {CRASH_POINTS: str(self.crash_points), STORE_FAULTS: str(self.store_faults)}
        base = Settings(retry_wait=RETRY_S, lease_timeout=LEASE_S, heartbeat_interval=HEARTBEAT_S)
        self.stack = LocalStack(
            data,
            options=StackOptions(
                apps=APPS,
                devices=DEVICES,
                coordinators=2,
                read_models=2,
                topics=[topic if topic.max_bytes else replace(topic, max_bytes=LARGEST_RECORD) for topic in TOPICS],
                base=base,
                api_port=ports.choose(None, frozenset()),
            ),
            changed=self._changed,
        )

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    async def __aenter__(self) -> Self:
        os.environ.update(self._variables)  # read by the processes, which inherit it
        try:
            await self.stack.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop everything."""
        for task in self.healing:
            task.cancel()
        await asyncio.gather(*self.healing, return_exceptions=True)
        await self.stack.stop()
        for name in self._variables:
            os.environ.pop(name, None)
        self.volume.close()
        self.journal.close()

    def runner(self, target: str) -> Runner:
        """The process a schedule means: "api", "device:1" or "coordinator:standby" (the other one if none stands by)."""
        service, _, which = target.partition(":")
        supervisor = self.stack.supervisor
        assert supervisor is not None
        runners = [r for r in supervisor.runners.values() if r.spec.provides == service or r.spec.name == target]
        if service == "device":
            return supervisor.runners[f"device-{which}"]
        if which == "standby":
            return next((r for r in runners if r.state is not State.READY), runners[-1])
        if which == "ready":
            return next((r for r in runners if r.state is State.READY), runners[0])
        return runners[int(which or 0) % len(runners)]

    def child_of(self, device: str) -> psutil.Process | None:
        """The render child of a device, None while it has none."""
        pid = self.pid(self.runner(device))
        try:
            children = psutil.Process(pid).children(recursive=True) if pid else []
        except psutil.NoSuchProcess:
            return None
        return children[-1] if children else None

    @staticmethod
    def pid(runner: Runner) -> int | None:
        process = runner.process
        return process.pid if process is not None and process.returncode is None else None

    @staticmethod
    def signal(pid: int, number: signal.Signals) -> bool:
        """Send a signal; False when the process is gone."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    async def until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
        """Wait for a condition; False when it does not come."""
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def alive(self, target: str) -> tuple[Runner, int] | None:
        """The process, once it runs and has started up or stands by; None when it does not within the patience."""
        fine = {State.READY, State.STANDBY}
        found = await self.until(lambda: (r := self.runner(target)).state in fine and self.pid(r) is not None)
        runner = self.runner(target)
        pid = self.pid(runner)
        return (runner, pid) if found and pid is not None else None

    def later(self, injection: Injection, seconds: float, heal: Callable[[], Awaitable[object]]) -> None:
        """Take the fault away after so many seconds, while the run goes on."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            try:
                await heal()
            except StackError as error:  # other faults may keep it down; at the end everything must be up again
                self.journal.line(f"{injection.fault}: {str(error).splitlines()[0]}")
            self.journal.heal(injection)

        self.background(wait(), f"heal {injection.fault}")

    def background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Something that goes on beside the next faults; the run ends after it."""
        task = asyncio.create_task(work, name=name)
        self.healing.add(task)
        task.add_done_callback(self._healed)

    async def healed(self, patience: float) -> None:
        """Wait until no fault is in effect and every process works or stands by; what does not is a trouble."""
        while self.healing:
            await asyncio.wait(self.healing)
        for path in self.crash_points.iterdir():
            path.unlink()
        if not await self.until(lambda: not self._down(), patience):
            self.troubles += [
                f"{name} is still {state} {patience:g} s after the last fault" for name, state in self._down()
            ]

    def _down(self) -> list[tuple[str, str]]:
        supervisor = self.stack.supervisor
        runners = supervisor.runners.values() if supervisor is not None else ()
        return [(r.spec.name, r.state.value) for r in runners if r.state not in {State.READY, State.STANDBY}]

    def _healed(self, task: asyncio.Task[None]) -> None:
        self.healing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.journal.line(f"{task.get_name()} failed: {error!r}")
            self.troubles.append(f"{task.get_name()}: {error}")

    def _changed(self) -> None:
        supervisor = getattr(self.stack, "supervisor", None)
        for runner in supervisor.runners.values() if supervisor is not None else ():
            if runner.process is not None:
                self.names[runner.process.pid] = runner.spec.name
