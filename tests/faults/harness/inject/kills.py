"""Death without warning: SIGKILL at a random moment, or at a named point of the code."""

from __future__ import annotations

import signal

from infra.crash_points import arm
from infra.local.lifecycle import State
from infra.local.runner import Runner
from tests.faults.harness.arena import Arena
from tests.faults.harness.journal import Injection

REACH_S = 15.0  # for somebody to come to an armed point under load
CHILD_S = 20.0


async def kill(arena: Arena, injection: Injection) -> None:
    """SIGKILL a process; the supervisor starts it again at once, or after the time the fault lasts."""
    fault = injection.fault
    if fault.target.startswith("render-child"):
        await _kill_child(arena, injection)
        return
    found = await arena.alive(fault.target)
    if found is None:
        injection.outcome, injection.note = "not reached", "it was not up"
        return
    runner, _ = found
    injection.victim = f"{runner.spec.name}{' (standby)' if runner.state is State.STANDBY else ''}"
    await runner.hold_down()
    arena.later(injection, fault.lasts, runner.bring_up)


async def crash(arena: Arena, injection: Injection) -> None:
    """Arm a crash point and wait until a process died there."""
    point = injection.fault.target
    await arena.until(lambda: not arena.broker_away)
    armed = arm(arena.crash_points, point)
    if not await arena.until(lambda: not armed.exists(), REACH_S):
        armed.unlink(missing_ok=True)
        injection.outcome, injection.note = "not reached", f"nobody came there within {REACH_S:g} s"
        return
    died = max(arena.crash_points.glob(f"{point}.*"), key=lambda path: path.stat().st_mtime)
    pid = int(died.suffix[1:])
    injection.victim = arena.names.get(pid, "a render child")
    died.unlink()
    runner = next((r for r in _runners(arena) if r.process is not None and r.process.pid == pid), None)
    if runner is not None:
        arena.later(injection, 0.0, runner.restart)  # at once, whatever pause the supervisor would make


async def _kill_child(arena: Arena, injection: Injection) -> None:
    device = injection.fault.target.replace("render-child", "device")
    if await arena.alive(device) is None or not await arena.until(lambda: arena.child_of(device) is not None, CHILD_S):
        injection.outcome, injection.note = "not reached", "the device had no child"
        return
    child = arena.child_of(device)
    injection.victim = f"child of {arena.runner(device).spec.name}"
    if child is None or not arena.signal(child.pid, signal.SIGKILL):
        injection.outcome, injection.note = "not reached", "the child ended by itself"


def _runners(arena: Arena) -> list[Runner]:
    supervisor = arena.stack.supervisor
    return list(supervisor.runners.values()) if supervisor is not None else []
