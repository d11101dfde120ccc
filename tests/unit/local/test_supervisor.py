"""Supervision of small Python programs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra.local.lifecycle import Backoff, Failure, StackError
from infra.local.probes import file_exists, remove
from infra.local.process import ProcessSpec
from infra.local.state import ProcessRecord, StackState, kill_stale
from infra.local.supervisor import Supervisor, levels

READY = "import os, pathlib, signal, subprocess, sys, time; pathlib.Path(os.environ['READY']).touch(); "
FAST = Backoff(first=0.02, longest=0.1)


def script(folder: Path, name: str, code: str, **options: object) -> ProcessSpec:
    """A program that touches its ready file and then runs `code`."""
    ready = folder / f"{name}.ready"
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-c", READY + code),
        env={"READY": str(ready), "FOLDER": str(folder)},
        prepare=remove(ready),
        probe=file_exists(ready),
        **options,  # type: ignore[arg-type]
    )


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_starts_in_order_and_stops_in_reverse(tmp_path: Path) -> None:
    code = (
        "log = open(os.environ['FOLDER'] + '/order', 'a'); print('+{0}', file=log, flush=True)\n"
        "def end(*_): print('-{0}', file=log, flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nwhile True: signal.pause()"
    )
    specs = [
        script(tmp_path, "c", code.format("c"), needs=("b",)),
        script(tmp_path, "b", code.format("b"), needs=("a",)),
        script(tmp_path, "a", code.format("a")),
    ]
    supervisor = Supervisor(specs, tmp_path, backoff=FAST)
    await supervisor.start()
    order = tmp_path / "order"
    await until(lambda: order.exists() and order.read_text().count("+") == 3)
    assert {record.state for record in supervisor.records()} == {"ready"}
    await supervisor.stop()
    assert order.read_text().split() == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert {(record.state, record.pid) for record in supervisor.records()} == {("stopped", None)}


async def test_a_crashed_process_is_restarted_and_the_user_is_told(tmp_path: Path) -> None:
    told: list[Failure] = []
    spec = script(tmp_path, "app", "print('hello', flush=True); signal.pause()")
    supervisor = Supervisor([spec], tmp_path, backoff=FAST, failed=told.append)
    await supervisor.start()
    first = supervisor.records()[0].pid
    assert first is not None
    await until(lambda: (tmp_path / "app.log").read_text() == "hello\n")
    os.kill(first, signal.SIGKILL)
    await until(lambda: supervisor.records()[0].pid not in (None, first) and supervisor.records()[0].state == "ready")
    assert [(f.name, f.reason, f.log_lines) for f in told] == [("app", "killed by signal 9", ("hello",))]
    assert supervisor.records()[0].restarts == 1
    await supervisor.stop()


async def test_a_process_that_never_gets_ready_ends_the_start_with_its_last_lines(tmp_path: Path) -> None:
    bad = ProcessSpec(
        name="bad",
        argv=(sys.executable, "-c", "print('no such database'); raise SystemExit(7)"),
        probe=file_exists(tmp_path / "never"),
    )
    other = script(tmp_path, "other", "signal.pause()")
    supervisor = Supervisor([bad, other], tmp_path, backoff=FAST)
    with pytest.raises(StackError, match=r"(?s)bad: exited with code 7 \(3 tries\).*no such database"):
        await supervisor.start()
    assert all(record.pid is None for record in supervisor.records())


async def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    supervisor = Supervisor([ProcessSpec(name="gone", argv=("/no/such/program",))], tmp_path, backoff=FAST)
    with pytest.raises(StackError, match="gone: could not be started"):
        await supervisor.start()


async def test_stop_leaves_neither_the_deaf_nor_their_children(tmp_path: Path) -> None:
    code = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "nap = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "pids = [subprocess.Popen(nap).pid, subprocess.Popen(nap, start_new_session=True).pid]\n"
        "pathlib.Path(os.environ['FOLDER'] + '/pids').write_text(' '.join(map(str, pids)) + ' end')\n"
        "while True: time.sleep(600)"
    )
    supervisor = Supervisor([script(tmp_path, "deaf", code, stop_timeout=0.3)], tmp_path)
    await supervisor.start()
    written = tmp_path / "pids"
    await until(lambda: written.exists() and written.read_text().endswith("end"))
    pids = [int(pid) for pid in written.read_text().split()[:-1]]
    leader = supervisor.records()[0].pid
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < 3
    await until(lambda: not any(alive(pid) for pid in [leader, *pids]), 3)


async def test_stop_during_the_start_ends_everything(tmp_path: Path) -> None:
    slow = ProcessSpec(
        name="slow",
        argv=(sys.executable, "-c", "import time; time.sleep(600)"),
        probe=file_exists(tmp_path / "never"),
    )
    supervisor = Supervisor([slow, script(tmp_path, "later", "signal.pause()", needs=("slow",))], tmp_path)
    starting = asyncio.create_task(supervisor.start())
    await until(lambda: supervisor.records()[0].pid is not None)
    pid = supervisor.records()[0].pid
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not alive(pid)
    assert [record.state for record in supervisor.records()] == ["stopped", "waiting"]


async def test_a_process_can_be_held_down_brought_up_and_restarted(tmp_path: Path) -> None:
    told: list[Failure] = []
    supervisor = Supervisor([script(tmp_path, "app", "signal.pause()")], tmp_path, backoff=FAST, failed=told.append)
    await supervisor.start()
    runner = supervisor.runners["app"]
    pids = [supervisor.records()[0].pid]
    try:
        await runner.hold_down()
        assert not alive(pids[0])
        await until(lambda: supervisor.records()[0].state == "held")
        (tmp_path / "app.ready").unlink()
        await asyncio.sleep(5 * FAST.longest)  # a restart would come in this time
        assert (supervisor.records()[0].state, supervisor.records()[0].pid) == ("held", None)
        for again in (runner.bring_up, runner.restart, runner.restart):
            await again()
            assert (tmp_path / "app.ready").exists()
            [record] = supervisor.records()
            assert record.state == "ready"
            assert record.pid not in {*pids, None}
            assert not any(map(alive, pids))
            pids.append(record.pid)
        assert told == []
        await runner.hold_down()
    finally:
        await supervisor.stop()
    assert [record.state for record in supervisor.records()] == ["stopped"]


async def test_a_hold_during_a_pause_or_a_start_holds(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    code = "sys.exit(3) if pathlib.Path(os.environ['FOLDER'] + '/broken').exists() else signal.pause()"
    spec = script(tmp_path, "app", code)
    supervisor = Supervisor([spec], tmp_path, backoff=Backoff(first=600))
    await supervisor.start()
    runner = supervisor.runners["app"]
    try:
        broken.touch()
        os.kill(supervisor.records()[0].pid or 0, signal.SIGKILL)
        await until(lambda: supervisor.records()[0].state == "backoff")
        await runner.hold_down()
        await until(lambda: supervisor.records()[0].state == "held")
        broken.unlink()
        await runner.bring_up()
        again = asyncio.create_task(runner.restart())
        await until(lambda: supervisor.records()[0].state == "starting")
        await runner.hold_down()
        await until(lambda: supervisor.records()[0].state == "held")
        await runner.bring_up()
        await again
        assert supervisor.records()[0].state == "ready"
    finally:
        await supervisor.stop()


async def test_a_process_starts_without_those_it_ends_before_but_they_outlive_it(tmp_path: Path) -> None:
    code = (
        "log = open(os.environ['FOLDER'] + '/order', 'a'); print('+{0}', file=log, flush=True)\n"
        "def end(*_): time.sleep({1}); print('-{0}', file=log, flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nwhile True: signal.pause()"
    )
    slow = READY.rpartition("pathlib.Path")[0] + "time.sleep(1); " + READY
    app = replace(script(tmp_path, "app", ""), argv=(sys.executable, "-c", slow + code.format("app", 0)))
    device = script(tmp_path, "device", code.format("device", 0.3), ends_before=("app",))
    supervisor = Supervisor([app, device], tmp_path, backoff=FAST)
    await supervisor.start()
    order = tmp_path / "order"
    await until(lambda: order.exists() and order.read_text().count("+") == 2)
    await supervisor.stop()
    assert order.read_text().split() == ["+device", "+app", "-device", "-app"]


async def test_one_ready_process_of_a_service_is_enough_for_those_who_need_it(tmp_path: Path) -> None:
    waits = "\nwhile True: signal.pause()"
    standby = ProcessSpec(
        name="app",
        argv=(sys.executable, "-c", "import signal" + waits),
        service="service",
        probe=file_exists(tmp_path / "leads"),
        ready_timeout=0.2,
    )
    leader = script(tmp_path, "app-2", "signal.pause()", service="service", awaited=False)
    user = script(tmp_path, "user", "signal.pause()", needs=("service",))
    supervisor = Supervisor([standby, leader, user], tmp_path, backoff=FAST)
    assert levels([standby, leader, user]) == [["app", "app-2"], ["user"]]
    await supervisor.start()
    try:
        states = {record.name: record.state for record in supervisor.records()}
        assert (states["app-2"], states["user"]) == ("ready", "ready")
        await until(lambda: supervisor.runners["app"].state.value == "standby")
        pid = supervisor.runners["app"].process
        await asyncio.sleep(0.5)  # longer than a process alone may take
        assert supervisor.runners["app"].process is pid
        (tmp_path / "leads").touch()
        await until(lambda: supervisor.runners["app"].state.value == "ready")
    finally:
        await supervisor.stop()


async def test_what_follows_an_end_runs_after_it_but_not_after_a_stop(tmp_path: Path) -> None:
    ends: list[bool] = []

    async def note() -> None:
        ends.append(alive(pid))

    supervisor = Supervisor([script(tmp_path, "app", "signal.pause()", on_end=note)], tmp_path, backoff=FAST)
    await supervisor.start()
    pid = supervisor.records()[0].pid
    os.kill(pid or 0, signal.SIGKILL)
    await until(lambda: supervisor.records()[0].pid not in (None, pid) and supervisor.records()[0].state == "ready")
    assert ends == [False]
    await supervisor.stop()
    assert ends == [False]


SUPERVISED = """
import asyncio, sys
from pathlib import Path
from infra.local.process import ProcessSpec
from infra.local.supervisor import Supervisor
nap = "import time; time.sleep(600)"
specs = [ProcessSpec(name=n, argv=(sys.executable, "-c", nap)) for n in "ab"]
async def main():
    supervisor = Supervisor(specs, Path(sys.argv[1]))
    await supervisor.start()
    print(*[record.pid for record in supervisor.records()], flush=True)
    await supervisor.watch()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal exists on Linux only")
async def test_kill_9_of_the_supervisor_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISED, str(tmp_path)], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(pids) == 2
        assert all(alive(pid) for pid in pids)
        supervisor.kill()
    await until(lambda: not any(alive(pid) for pid in pids), 5)


def test_leftovers_of_a_killed_supervisor_are_ended_but_nobody_else() -> None:
    nap = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        subprocess.Popen(nap, start_new_session=True) as left,
        subprocess.Popen(nap, start_new_session=True) as stranger,
    ):
        try:
            created = psutil.Process(left.pid).create_time()
            records = [
                ProcessRecord(name="kafka", pid=left.pid, create_time=created, state="ready"),
                ProcessRecord(name="api", pid=stranger.pid, create_time=created - 500, state="ready"),
            ]
            assert kill_stale(StackState(processes=records)) == ["kafka"]
            assert not alive(left.pid)
            assert stranger.poll() is None
        finally:
            left.kill()
            stranger.kill()


def alive(pid: int | None) -> bool:
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
