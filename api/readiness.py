"""Work for an engine that every live device has said it cannot run is refused, with the device's own reason."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from api.deps import Deps
from api.errors import invalid
from api.planning.call import Call
from api.rules import BadField
from projections.folds.devices import DeviceRow
from projections.postgres import is_absent, is_transient
from schemas.entities import DeviceStatus

log = logging.getLogger(__name__)
PATIENCE = 0.5  # seconds; a write must not wait for the database


async def insist_on_engine(deps: Deps, call: Call, field: str, engine: str) -> None:
    """Raise `ApiError` 400 naming `field` with the reason, such as a licence that nobody accepted.

    A replay of a call that was accepted passes, and so does an engine of which no live device says anything: one may come.
    Without the database nothing is refused; the work then waits for a device.
    """
    reason = unready(await _devices(deps), engine)
    if reason and await deps.reads.stored_task(call.account_id, call.task_id) is None:
        raise invalid(BadField(field, "engine_unready", {"engine": engine, "reason": reason}))


def unready(rows: Sequence[DeviceRow], engine: str) -> str:
    """Why the engine is ready on no live device; "" if it is on one, or if none has tried. Pure."""
    live = [row for row in rows if row.status is DeviceStatus.LIVE]
    problems = [found.problem for row in live for found in row.engines if found.name == engine]
    return problems[0] if problems and all(problems) else ""


async def _devices(deps: Deps) -> Sequence[DeviceRow]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await deps.queries.devices()
    except Exception as error:
        if not (isinstance(error, TimeoutError) or is_transient(error) or is_absent(error)):
            raise
        log.warning("whether devices are ready is not known: %r", error)
        return []
