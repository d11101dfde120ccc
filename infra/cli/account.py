"""`storyreel account`: the end of an account."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter

from infra.cli.options import DATA, DataOption, JsonOption, ReasonOption
from infra.cli.target import target_settings
from infra.settings import Settings
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from infra.erasure.erase import Erased

app = App(name="account", help="Accounts of the running stack.")
PATIENCE = 60.0


@app.command
def erase(
    account: Annotated[str, Parameter(help="Id of the account.")],
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    reason: ReasonOption = "",
    wait: Annotated[float, Parameter(help="Wait so long for the end of running work, seconds.")] = PATIENCE,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Erase a person: their work ends, their keys and files are destroyed, what the log holds of them stays unreadable.

    Nobody can undo it. It can be run again at any time, and completes what a run that died has left.
    """
    settings = target_settings(data)
    if not (yes or confirmed(account)):
        sys.stdout.write("nothing was erased\n")
        return
    done = asyncio.run(_erase(settings, account, reason, wait))
    if as_json:
        sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
        return
    for line in told(done):
        sys.stdout.write(line + "\n")


async def _erase(settings: Settings, account: str, reason: str, wait: float) -> Erased:
    from infra.erasure.erase import erase_account
    from infra.keystore import open_keystore
    from infra.object_store.factory import create_object_store

    store = create_object_store(settings, secrets.token_bytes(32))
    with contextlib.closing(open_keystore(settings, os.environ, create=False)) as keystore:
        return await erase_account(settings, keystore, store, account, reason, wait)


def confirmed(account: str) -> bool:
    """Ask a person. Raises `ConfigurationError` where nobody can answer."""
    if not sys.stdin.isatty():
        raise ConfigurationError(f"account {account} would be erased for good and nobody can be asked: add --yes")
    sys.stdout.write(f"erase account {account} for good? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def told(done: Erased) -> Iterator[str]:
    """What is gone, and what had been made from pictures of a person."""
    yield f"account {done.account_id} is erased since {_time(done.erased_at)}, by {done.operator}"
    yield "its key and API keys are destroyed: what the log and every copy of it hold of the person is unreadable"
    yield f"deleted now: {done.objects:,} objects, {done.size:,} bytes"
    photos = sum(character.photo_count for character in done.characters)
    yield f"erased: {done.tasks:,} tasks, {len(done.characters):,} characters from {photos:,} photos"
    for work in done.made:
        what = f"{work.kind.value} {work.task_id} of {_time(work.created_at)}, {work.status}"
        yield f"made from {', '.join(work.character_ids)}: {what}"


def _time(at: object) -> str:
    return str(at)[:19] + "Z"
