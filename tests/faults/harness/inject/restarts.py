"""Orderly restarts of every process under load, one after another, as in an update."""

from __future__ import annotations

from infra.local.lifecycle import StackError
from tests.faults.harness.arena import Arena
from tests.faults.harness.journal import Injection
from tests.faults.harness.schedule import RESTARTED


async def rolling(arena: Arena, injection: Injection) -> None:
    """SIGTERM each process and wait until it is back before the next one."""

    async def roll() -> None:
        for target in RESTARTED:
            await arena.until(lambda: not arena.broker_away)
            found = await arena.alive(target)
            try:
                if found is not None:
                    await found[0].restart()
            except StackError as error:  # as in `Arena.later`
                arena.journal.line(f"rolling restart of {target}: {str(error).splitlines()[0]}")
        arena.journal.heal(injection)

    injection.victim = ", ".join(RESTARTED)
    arena.background(roll(), "rolling restart")
