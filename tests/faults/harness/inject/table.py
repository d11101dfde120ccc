"""Which code injects which kind of fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.faults.harness.arena import Arena
from tests.faults.harness.inject import kills, outages, pauses, poison, restarts, storage, traffic
from tests.faults.harness.journal import Injection
from tests.faults.harness.load.crowd import Crowd
from tests.faults.harness.schedule import OUTAGE

Inject = Callable[[Arena, Injection], Awaitable[None]]


def injectors(crowd: Crowd) -> dict[str, Inject]:
    """One for every kind in `schedule.FAULTS`."""
    return {
        "kill": kills.kill,
        "crash-point": kills.crash,
        "stop": pauses.stop,
        "rolling-restart": restarts.rolling,
        "broker-kill": outages.broker,
        OUTAGE: outages.broker_outage,
        "postgres-restart": outages.database_restart,
        "postgres-terminate": outages.terminate_backends,
        "postgres-loss": outages.lose_database,
        "store-errors": storage.store,
        "store-slow": storage.store,
        "store-truncated": storage.store,
        "store-full": storage.store,
        "disk-full": storage.disk_full,
        "duplicates": traffic.duplicates,
        "reordered": traffic.reordered,
        "same-key": traffic.storm(crowd),
        "quota-race": traffic.race(crowd),
        "poison": poison.poison,
    }
