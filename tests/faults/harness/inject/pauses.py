"""A process that stands still longer than its lease or session and then goes on as if nothing had been."""

from __future__ import annotations

import signal

from tests.faults.harness.arena import Arena
from tests.faults.harness.journal import Injection


async def stop(arena: Arena, injection: Injection) -> None:
    """SIGSTOP now, SIGCONT after the time the fault lasts; its children go on working."""
    found = await arena.alive(injection.fault.target)
    if found is None:
        injection.outcome, injection.note = "not reached", "it was not up"
        return
    runner, pid = found
    injection.victim, injection.note = runner.spec.name, f"for {injection.fault.lasts:.1f} s"
    arena.signal(pid, signal.SIGSTOP)

    async def go_on() -> None:
        arena.signal(pid, signal.SIGCONT)

    arena.later(injection, injection.fault.lasts, go_on)
