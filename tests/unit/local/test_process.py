"""Ending a process tells how it ended, also when it ended by itself just before."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.process import ProcessSpec, spawn, terminate


class Late(asyncio.ThreadedChildWatcher):
    """asyncio's watcher of children, which learns of an end only after `go`, as on a busy machine."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def _do_waitpid(self, *arguments: Any) -> None:
        self.go.wait(60)
        super()._do_waitpid(*arguments)  # type: ignore[misc]


@pytest.fixture
def watcher() -> Iterator[Late]:
    policy = asyncio.get_event_loop_policy()
    before = policy.get_child_watcher()
    late = Late()
    policy.set_child_watcher(late)
    yield late
    late.go.set()
    policy.set_child_watcher(before)


async def test_a_process_that_ended_before_it_is_told_to_keeps_its_exit_code(tmp_path: Path, watcher: Late) -> None:
    process = await spawn(ProcessSpec(name="short", argv=("/bin/sh", "-c", "exit 7")), tmp_path / "log")
    await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    ending = asyncio.create_task(terminate(process, signal.SIGTERM, 60))
    await asyncio.sleep(0)  # it has sent the signal and waits
    watcher.go.set()
    await ending
    assert process.returncode == 7
