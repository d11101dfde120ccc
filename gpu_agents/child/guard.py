"""A small process around the renderer, so that nothing it started outlives it or the agent. Linux only.

The guard holds the reading end of a lifeline whose only writing end is in the agent: when the agent dies, however it
dies, or lets go, the lifeline ends and the guard kills the renderer's process group. When the renderer dies, the guard
does the same to what is left of the group, and as a subreaper (prctl(2)) to children that left the group.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_OOM_SCORE = "700"  # the kernel shall pick the renderer, not the agent


def guarded(render: Callable[[], None], *, keep: int, lifeline: int) -> NoReturn:
    """Run `render` in a forked process and end as it ended: same exit code, same signal.

    `keep` is the renderer's descriptor, `lifeline` the guard's. Never returns.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)
        os.close(lifeline)
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
        _run(render)
    _join_group(pid)
    os.close(keep)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_like(_watch(pid, lifeline))


def _run(render: Callable[[], None]) -> NoReturn:
    try:
        render()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _join_group(pid: int) -> None:
    try:
        os.setpgid(pid, pid)  # whoever is first: a kill of the group must not come before the group exists
    except ProcessLookupError:
        return


def _watch(pid: int, lifeline: int) -> int:
    """Wait until the renderer or the lifeline ends, kill all that is left, return the renderer's wait status."""
    descriptor = os.pidfd_open(pid)
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    poller.register(lifeline, select.POLLIN | select.POLLHUP)
    poller.poll()
    _kill_group(pid)
    _, status = os.waitpid(pid, 0)
    _kill_strays()
    return status


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_strays() -> None:
    """Kill and reap adopted descendants until none is left."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while children.exists() and (pids := children.read_text().split()):
        for pid in map(int, pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _end_like(status: int) -> NoReturn:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.pause()
    os._exit(os.waitstatus_to_exitcode(status))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")
