"""`storyreel store`: the object store of the running stack."""

from __future__ import annotations

import asyncio
import secrets
import sys
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from infra.cli.options import DATA, DataOption, JsonOption, ReasonOption
from infra.cli.target import target_settings
from infra.collection import Garbage, delete_garbage, find_garbage, totals
from infra.object_store.factory import create_object_store
from infra.operators import record_act
from infra.settings import Settings
from schemas.errors import ConfigurationError

app = App(name="store", help="The object store.")
GRACE_HOURS = 24.0


@app.command
def gc(
    *,
    delete: Annotated[bool, Parameter(negative="", help="Delete them; without it they are only shown.")] = False,
    grace: Annotated[float, Parameter(help="Leave objects alone that are younger, hours.")] = GRACE_HOURS,
    reason: ReasonOption = "",
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show objects that no event names: what superseded attempts and finished tasks left, and uploads that became nothing."""
    if not grace >= 0:
        raise ConfigurationError(f"--grace is {grace}, it must be 0 or more")
    found, gone = asyncio.run(_collect(target_settings(data), grace * 3_600, delete, reason))
    if as_json:
        sys.stdout.write(msgspec.json.encode({"garbage": found, "deleted": gone}).decode() + "\n")
        return
    for item in found:
        sys.stdout.write(f"{item.size:>12,}  {item.reason:<26}  {item.key}\n")
    for why, count, size in totals(found):
        sys.stdout.write(f"{why}: {count:,} objects, {size:,} bytes\n")
    sys.stdout.write(
        f"deleted: {gone:,}\n" if delete else f"found: {len(found):,}, nothing deleted; --delete does it\n"
    )


async def _collect(settings: Settings, grace_s: float, delete: bool, reason: str) -> tuple[list[Garbage], int]:
    store = create_object_store(settings, secrets.token_bytes(32))
    found = await find_garbage(settings, store, grace_s)
    if not (delete and found):
        return found, 0
    detail = "; ".join(f"{why}: {count} objects, {size} bytes" for why, count, size in totals(found))
    await record_act(settings, "store gc", "object store", reason=reason, detail=detail)
    return found, await delete_garbage(store, found, grace_s)
