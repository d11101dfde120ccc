"""Running a set of processes that depend on one another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.local.lifecycle import Backoff, Failure, StackError, State
from infra.local.logs import rotate
from infra.local.process import ProcessSpec
from infra.local.runner import Runner, one_ready
from infra.local.state import ProcessRecord
from schemas.errors import ConfigurationError

STOP_TIMEOUT = 8.0  # seconds; `down` adds the start of an interpreter, and 10 s is the promise
DEFAULT_BACKOFF = Backoff()
_ROTATE_EVERY = 5.0


def levels(specs: Sequence[ProcessSpec]) -> list[list[str]]:
    """Names by depth of their needs: a level needs only earlier ones. Raises `ConfigurationError` on a cycle or gap."""
    names: dict[str, set[str]] = {}
    for spec in specs:
        names.setdefault(spec.provides, set()).add(spec.name)
    remaining = {spec.name: {n for need in spec.needs for n in names.get(need, {need})} for spec in specs}
    if len(remaining) != len(specs):
        raise ConfigurationError("process names must be unique")
    result: list[list[str]] = []
    placed: set[str] = set()
    while remaining:
        level = [name for name, needs in remaining.items() if needs <= placed]
        if not level:
            raise ConfigurationError(f"processes need one another or something unknown: {sorted(remaining)}")
        result.append(level)
        placed.update(level)
        for name in level:
            del remaining[name]
    return result


class Supervisor:
    """Starts processes in the order of their needs, restarts what ends, stops in reverse order of needs.

    Use it in the main thread of the process: the children die with the thread that started them. `changed` is called
    after every change of state, `failed` when a process ended and will be started again.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        logs: Path,
        *,
        backoff: Backoff = DEFAULT_BACKOFF,
        give_up_after: int = 3,
        changed: Callable[[], None] = lambda: None,
        failed: Callable[[Failure], None] = lambda _: None,
    ) -> None:
        levels(specs)  # raises on a cycle
        self._logs = logs
        self.runners: dict[str, Runner] = {}
        for spec in specs:
            self.runners[spec.name] = Runner(
                spec,
                logs,
                self.runners,
                backoff=backoff,
                give_up_after=give_up_after,
                changed=changed,
                failed=failed,
            )
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rotation: asyncio.Task[None] | None = None

    def records(self) -> list[ProcessRecord]:
        """The present state of every process."""
        return [
            ProcessRecord(
                name=name,
                pid=runner.process.pid if runner.process is not None and runner.process.returncode is None else None,
                create_time=runner.create_time,
                state=runner.state.value,
                restarts=runner.restarts,
            )
            for name, runner in self.runners.items()
        ]

    async def start(self) -> None:
        """Start everything and return when all awaited processes are ready. On `StackError` everything has been stopped again."""
        for name, runner in self.runners.items():
            self._tasks[name] = asyncio.create_task(runner.run(), name=f"run {name}")
        self._rotation = asyncio.create_task(self._rotate_logs())
        ready = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait({ready, *self._tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                await self._raise_ended()
        except BaseException:
            ready.cancel()
            await self.stop()
            raise

    async def watch(self) -> None:
        """Return never; raises if the supervision of a process itself ends."""
        await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        await self._raise_ended()

    async def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Stop all processes, each once nothing runs that needs it, within `timeout` seconds; nothing they started is left."""
        deadline = time.monotonic() + timeout
        ended = {name: asyncio.Event() for name in self.runners}

        async def end(runner: Runner) -> None:
            try:
                for other in self.runners.values():
                    if runner.spec.provides in (*other.spec.needs, *other.spec.ends_before):
                        await ended[other.spec.name].wait()
                await self._stop_one(runner, deadline)
            finally:
                ended[runner.spec.name].set()

        await asyncio.gather(*(end(runner) for runner in self.runners.values()))
        if self._rotation is not None:
            self._rotation.cancel()
        await asyncio.gather(*self._tasks.values(), *filter(None, [self._rotation]), return_exceptions=True)

    async def _stop_one(self, runner: Runner, deadline: float) -> None:
        if runner.state is State.WAITING and (task := self._tasks.get(runner.spec.name)) is not None:
            task.cancel()
        await runner.stop(min(runner.spec.stop_timeout, deadline - time.monotonic()))

    async def _all_ready(self) -> None:
        for runner in self.runners.values():
            if runner.spec.awaited:
                await one_ready([r for r in self.runners.values() if r.spec.provides == runner.spec.provides])

    async def _raise_ended(self) -> None:
        for name, task in self._tasks.items():
            if task.done():
                await task
                raise StackError(f"{name}: its supervision ended")

    async def _rotate_logs(self) -> None:
        while True:
            for name in self.runners:
                rotate(self._logs / f"{name}.log")
            await asyncio.sleep(_ROTATE_EVERY)
