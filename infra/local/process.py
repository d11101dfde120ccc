"""One child process: how to start it so that it cannot outlive its supervisor, and how to end all of it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

Probe = Callable[[], Awaitable[bool]]
Action = Callable[[], Awaitable[None]]

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """What to run and when it counts as ready.

    `env` is added to the supervisor's environment. Processes of one `service` stand in for one another; a process that
    names none is a service by itself. `needs` are services of which a process must have been ready once and which end after
    this one; those of `ends_before` only end after it. `prepare` runs before every start, `probe` is asked until it says
    yes, then `on_ready` runs and the process is ready; `on_end` runs after it ended, unless it was stopped for good. Times
    are seconds. `user` and `group` are numeric ids to run as (root only). `stop_timeout` is the time from `stop_signal` to
    SIGKILL. The start of the stack does not wait for a process that is not `awaited`.
    """

    name: str
    argv: tuple[str, ...]
    service: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    needs: tuple[str, ...] = ()
    ends_before: tuple[str, ...] = ()
    prepare: Action | None = None
    probe: Probe | None = None
    on_ready: Action | None = None
    on_end: Action | None = None
    ready_timeout: float = 60.0
    awaited: bool = True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 2.5
    user: int | None = None
    group: int | None = None

    @property
    def provides(self) -> str:
        """The service that this process is, alone or with others."""
        return self.service or self.name


async def spawn(spec: ProcessSpec, log: Path) -> asyncio.subprocess.Process:
    """Start `spec` in its own session with its output appended to `log`.

    Must be called in the supervisor's main thread: the kernel kills the child when that thread ends, even by SIGKILL
    (PR_SET_PDEATHSIG, which follows the parent's thread; set after the change of user, which would clear it).
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *spec.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=spec.cwd,
            env={**os.environ, **spec.env},
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),
            user=spec.user,
            group=spec.group,
            extra_groups=None if spec.user is None else [],
        )
    finally:
        os.close(descriptor)


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    libc = _LIBC
    if libc is None:
        return None

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the call
            os._exit(1)

    return arrange


async def terminate(process: asyncio.subprocess.Process, stop_signal: signal.Signals, timeout: float) -> None:
    """End a process started by `spawn` and everything it started: `stop_signal`, then SIGKILL after `timeout` s."""
    offspring = descendants(process.pid)
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(
                process.pid, stop_signal
            )  # asyncio's own way asks for the end first and so takes it from its watcher
    try:
        await asyncio.wait_for(process.wait(), max(timeout, 0.0))
    except TimeoutError:
        offspring = [*offspring, *descendants(process.pid)]
    kill_group(process.pid)
    kill_processes(offspring)
    await process.wait()


def descendants(pid: int) -> list[psutil.Process]:
    """All present descendants of a process, also those in other sessions; empty if it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_group(leader: int) -> None:
    """SIGKILL every process of the group; none left is fine."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def kill_processes(processes: list[psutil.Process]) -> None:
    """SIGKILL processes; psutil checks that a pid still names the same process."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
