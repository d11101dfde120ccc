"""Keeping one process alive: start, wait until ready, restart with growing pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from infra.local.logs import tail
from infra.local.process import ProcessSpec, kill_group, spawn, terminate
from schemas.errors import InfrastructureError, StoryreelError

_POLL = 0.05  # seconds between two questions to a probe


class State(StrEnum):
    """Where a process stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"
    STOPPED = "stopped"
    FAILED = "failed"


class StackError(InfrastructureError):
    """A part of the stack cannot be started or kept running; the message holds its last log lines."""

    code = "stack"


@dataclass(frozen=True)
class Backoff:
    """Pauses before restarts: `first`, doubled up to `longest`; forgotten after `reset` seconds alive."""

    first: float = 1.0
    longest: float = 30.0
    reset: float = 60.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after the n-th failure in a row (n >= 1)."""
        return float(min(self.first * 2 ** min(failures - 1, 30), self.longest))


@dataclass(frozen=True)
class Failure:
    """A process ended or did not become ready; `pause` seconds until the next try."""

    name: str
    reason: str
    log_lines: tuple[str, ...]
    pause: float


class Runner:
    """One supervised process. `ready` is set when it has been ready for the first time."""

    def __init__(
        self,
        spec: ProcessSpec,
        logs: Path,
        peers: Mapping[str, Runner],
        *,
        backoff: Backoff,
        give_up_after: int,
        changed: Callable[[], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.restarts = 0
        self.ready = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self.create_time: float | None = None
        self.log = logs / f"{spec.name}.log"
        self._peers = peers
        self._backoff = backoff
        self._give_up_after = give_up_after
        self._changed = changed
        self._failed = failed
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep the process running until `stop`. Raises `StackError` if it fails repeatedly before its first readiness."""
        for name in self.spec.needs:
            await self._peers[name].ready.wait()
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = await self._attempt()
            if self._stopping.is_set():
                break
            failures = 1 if time.monotonic() - began >= self._backoff.reset else failures + 1
            if self.spec.awaited and not self.ready.is_set() and failures >= self._give_up_after:
                self._enter(State.FAILED)
                raise StackError(self._complaint(reason, failures))
            pause = self._backoff.pause(failures)
            self._enter(State.BACKOFF)
            self._failed(Failure(self.spec.name, reason, tuple(tail(self.log)), pause))
            await self._wait_stopping(pause)
            self.restarts += 1
        self._enter(State.STOPPED)

    async def stop(self, timeout: float) -> None:
        """End the process and all it started within about `timeout` seconds; `run` returns soon after."""
        self._stopping.set()
        if self.process is not None:
            await terminate(self.process, self.spec.stop_signal, timeout)

    async def _attempt(self) -> str:
        """One life of the process; returns why it ended."""
        self._enter(State.STARTING)
        try:
            if self.spec.prepare is not None:
                await self.spec.prepare()
            if self._stopping.is_set():
                return "stopped"
            process = await spawn(self.spec, self.log)
        except (OSError, StoryreelError) as error:
            return f"could not be started: {error}"
        self.process, self.create_time = process, _create_time(process.pid)
        self._enter(State.STARTING)
        try:
            reason = await self._become_ready(process)
            if reason is None:
                reason = _exit_reason(await process.wait())
        except StoryreelError as error:
            reason = f"started, but then: {error}"
        finally:
            await self._bury(process)
        return reason

    async def _become_ready(self, process: asyncio.subprocess.Process) -> str | None:
        deadline = time.monotonic() + self.spec.ready_timeout
        while self.spec.probe is not None and not await self.spec.probe():
            if process.returncode is not None:
                return _exit_reason(process.returncode)
            if time.monotonic() > deadline:
                return f"not ready after {self.spec.ready_timeout:g} s"
            if self._stopping.is_set():
                return "stopped"
            await self._wait_stopping(_POLL)
        if process.returncode is not None:
            return _exit_reason(process.returncode)
        if self.spec.on_ready is not None:
            await self.spec.on_ready()
        self._enter(State.READY)
        self.ready.set()
        return None

    async def _bury(self, process: asyncio.subprocess.Process) -> None:
        """Leave nothing of a life behind: neither the process nor its group."""
        if process.returncode is None:
            await terminate(process, self.spec.stop_signal, self.spec.stop_timeout)
        kill_group(process.pid)

    async def _wait_stopping(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _enter(self, state: State) -> None:
        self.state = state
        self._changed()

    def _complaint(self, reason: str, failures: int) -> str:
        lines = "\n".join(f"  {line}" for line in tail(self.log))
        return f"{self.spec.name}: {reason} ({failures} tries); see {self.log}\n{lines}".rstrip()


def _create_time(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _exit_reason(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exited with code {code}"
