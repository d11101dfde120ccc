"""`storyreel log checkpoint` and `storyreel log key`: signatures under what is on the log."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from infra.cli.options import DATA, DataOption, JsonOption
from infra.cli.target import target_settings
from infra.settings import Settings
from schemas.errors import ConfigurationError, InfrastructureError

SHORTEST = 1.0  # seconds between two checkpoints
_RETRY = 60.0


def checkpoint(
    *,
    every: Annotated[float | None, Parameter(help="Go on and sign what is new every so many seconds.")] = None,
    public_key: Annotated[
        list[Path] | None, Parameter(help="PEM file of a key that signed earlier checkpoints, if it was another one.")
    ] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Sign everything that is new on the ledger and print the signed text, which is worth keeping elsewhere.

    Nothing is signed while anything new is out of order: `storyreel log verify` then says what.
    """
    if every is not None and not every >= SHORTEST:
        raise ConfigurationError(f"--every is {every}, it must be {SHORTEST:g} or more")
    settings = target_settings(data)
    if every is None:
        asyncio.run(_once(settings, public_key or [], as_json=as_json))
    else:
        asyncio.run(_for_ever(settings, public_key or [], every, as_json=as_json))


async def _for_ever(settings: Settings, files: list[Path], every: float, *, as_json: bool) -> None:
    while True:
        pause = every
        try:
            await _once(settings, files, as_json=as_json)
        except InfrastructureError as error:
            pause = min(every, _RETRY)
            sys.stderr.write(f"error: {error}; again in {pause:g} s\n")
        await asyncio.sleep(pause)


async def _once(settings: Settings, files: list[Path], *, as_json: bool) -> None:
    from infra.audit.keys import read_public_key
    from infra.audit.notes import key_id, text
    from infra.audit.reading import shards_of
    from infra.audit.writing import write_checkpoint

    older = {key_id(key): key for key in map(read_public_key, files)}
    for shard in await shards_of(settings):
        made = await write_checkpoint(settings, older, shard)
        if as_json:
            shown = None if made is None else {"text": text(made).decode(), "signature": made.signature.hex()}
            sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
        elif made is None:
            which = f" of shard {shard.number}" if shard.of > 1 else ""
            sys.stdout.write(f"nothing{which} is new since the last checkpoint\n")
        else:
            sys.stdout.write(f"{text(made).decode()}signature {made.signature.hex()}\n")
        sys.stdout.flush()


def key(*, data: DataOption = DATA) -> None:
    """Print the public key that checks this host's checkpoints, as PEM; the private one is made if there is none."""
    from infra.audit.keys import public_pem, signing_key

    sys.stdout.write(public_pem(signing_key(target_settings(data)).public_key()))
