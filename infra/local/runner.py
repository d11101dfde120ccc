"""Keeping one process alive: start, wait until ready, restart with growing pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from infra.local.lifecycle import Backoff, Failure, StackError, State
from infra.local.logs import tail
from infra.local.process import Action, ProcessSpec, kill_group, spawn, terminate
from schemas.errors import StoryreelError

_POLL = 0.05  # seconds between two questions to a probe


class Runner:
    """One supervised process. `ready` is set when it has been ready for the first time, `up` while it is ready."""

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
        self.up = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self.create_time: float | None = None
        self.log = logs / f"{spec.name}.log"
        self._peers = peers
        self._backoff = backoff
        self._give_up_after = give_up_after
        self._changed = changed
        self._failed = failed
        self._stopping = asyncio.Event()
        self._wanted = asyncio.Event()  # not set while the process is held down
        self._wanted.set()
        self._asked = False  # the present life was told to end
        self._hurry = asyncio.Event()  # ends a pause

    async def run(self) -> None:
        """Keep the process running until `stop`. Raises `StackError` if it fails repeatedly before its first readiness."""
        for service in self.spec.needs:
            await one_ready([peer for peer in self._peers.values() if peer.spec.provides == service])
        failures = 0
        while await self._may_start():
            began = time.monotonic()
            reason = await self._attempt()
            if self._stopping.is_set():
                break
            if self._asked:
                failures = 0
                continue
            failures = 1 if time.monotonic() - began >= self._backoff.reset else failures + 1
            if self.spec.awaited and not self.ready.is_set() and failures >= self._give_up_after:
                self._enter(State.FAILED)
                raise StackError(self._complaint(reason, failures))
            pause = self._backoff.pause(failures)
            self._enter(State.BACKOFF)
            self._failed(Failure(self.spec.name, reason, tuple(tail(self.log)), pause))
            await self._pause(pause)
        self._enter(State.STOPPED)

    async def stop(self, timeout: float) -> None:
        """End the process and all it started within about `timeout` seconds; `run` returns soon after."""
        self._stopping.set()
        self._wanted.set()
        self._hurry.set()
        if (process := self.process) is not None and process.returncode is None:
            await terminate(process, self.spec.stop_signal, timeout)

    async def hold_down(self) -> None:
        """SIGKILL the process and start no other one until `bring_up`; returns when it is dead."""
        self._wanted.clear()
        self._ask_to_end()
        if (process := self.process) is not None and process.returncode is None:
            kill_group(process.pid)
            await process.wait()

    async def bring_up(self) -> None:
        """Start what is held down and wait until it is ready. Raises `StackError` after the time that may take."""
        self._wanted.set()
        await self._be_up()

    async def restart(self) -> None:
        """End the process in its own way, start it again and wait until it is ready. Raises `StackError` like `bring_up`."""
        self._ask_to_end()
        if (process := self.process) is not None and process.returncode is None:
            await terminate(process, self.spec.stop_signal, self.spec.stop_timeout)
        await self.bring_up()

    def _ask_to_end(self) -> None:
        self._asked = True
        self.up.clear()
        self._hurry.set()

    async def _be_up(self) -> None:
        """Wait until ready; a standby that is none yet at the end of its time is fine while another one is ready."""
        try:
            await asyncio.wait_for(self.up.wait(), self.spec.ready_timeout)
        except TimeoutError:
            if not self._covered():
                raise StackError(self._complaint(f"not ready after {self.spec.ready_timeout:g} s", 1)) from None

    async def _may_start(self) -> bool:
        """Wait while the process is held down. False when it is stopped for good."""
        if not self._wanted.is_set():
            self._enter(State.HELD)
            await self._wanted.wait()
        self._asked = False
        if self._stopping.is_set():
            return False
        self.restarts += self.process is not None
        return True

    def _ending(self) -> bool:
        return self._asked or self._stopping.is_set()

    def _covered(self) -> bool:
        """Whether another process of the same service is ready."""
        mine = self.spec.provides
        return any(peer.up.is_set() for peer in self._peers.values() if peer is not self and peer.spec.provides == mine)

    async def _attempt(self) -> str:
        """One life of the process; returns why it ended."""
        self._enter(State.STARTING)
        try:
            if self.spec.prepare is not None:
                await self.spec.prepare()
            if self._ending():
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
            self.up.clear()
            await self._bury(process)
        if self.spec.on_end is not None and not self._stopping.is_set():
            await self._unless_stopping(self.spec.on_end)
        return reason

    async def _become_ready(self, process: asyncio.subprocess.Process) -> str | None:
        deadline = time.monotonic() + self.spec.ready_timeout
        while self.spec.probe is not None and not await self.spec.probe():
            if process.returncode is not None:
                return _exit_reason(process.returncode)
            if self._covered():
                deadline = time.monotonic() + self.spec.ready_timeout
                if self.state is not State.STANDBY:
                    self._enter(State.STANDBY)
            if time.monotonic() > deadline:
                return f"not ready after {self.spec.ready_timeout:g} s"
            if self._ending():
                return "stopped"
            await asyncio.sleep(_POLL)
        if process.returncode is None and self.spec.on_ready is not None:
            await self.spec.on_ready()
        if process.returncode is not None:
            return _exit_reason(process.returncode)
        if self._ending():
            return "stopped"
        self._enter(State.READY)
        self.ready.set()
        return None

    async def _bury(self, process: asyncio.subprocess.Process) -> None:
        """Leave nothing of a life behind: neither the process nor its group."""
        if process.returncode is None:
            await terminate(process, self.spec.stop_signal, self.spec.stop_timeout)
        kill_group(process.pid)

    async def _unless_stopping(self, action: Action) -> None:
        acting, stopping = asyncio.create_task(_run(action)), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({acting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (acting, stopping):
                task.cancel()
        if acting.done():
            acting.result()

    async def _pause(self, seconds: float) -> None:
        if not self._ending():
            self._hurry.clear()
        try:
            await asyncio.wait_for(self._hurry.wait(), seconds)
        except TimeoutError:
            return

    def _enter(self, state: State) -> None:
        self.state = state
        if state is State.READY:
            self.up.set()
        else:
            self.up.clear()
        self._changed()

    def _complaint(self, reason: str, failures: int) -> str:
        lines = "\n".join(f"  {line}" for line in tail(self.log))
        return f"{self.spec.name}: {reason} ({failures} tries); see {self.log}\n{lines}".rstrip()


async def _run(action: Action) -> None:
    await action()


async def one_ready(runners: Sequence[Runner]) -> None:
    """Wait until one of the processes, which stand in for one another, has been ready."""
    waiting = [asyncio.create_task(runner.ready.wait()) for runner in runners]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _create_time(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _exit_reason(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exited with code {code}"
