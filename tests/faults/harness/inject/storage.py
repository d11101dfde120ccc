"""The object store answers with errors, late or writes half; the disk has no room."""

from __future__ import annotations

from tests.faults.harness.arena import DEVICES, Arena
from tests.faults.harness.journal import Injection


async def store(arena: Arena, injection: Injection) -> None:
    """Switch a misbehaviour of the object store on, in every process."""
    switch = arena.store_faults / injection.fault.kind.removeprefix("store-")
    switch.touch()

    async def off() -> None:
        switch.unlink(missing_ok=True)

    arena.later(injection, injection.fault.lasts, off)


async def disk_full(arena: Arena, injection: Injection) -> None:
    """Take the room of objects and scratch files away for a while."""
    devices = [arena.runner(f"device:{number}") for number in range(DEVICES)]

    def writers() -> list[int]:
        return [pid for pid in map(arena.pid, devices) if pid is not None]

    arena.volume.fill(writers())
    injection.note = arena.volume.means

    async def room() -> None:
        arena.volume.free(writers())

    arena.later(injection, injection.fault.lasts, room)
