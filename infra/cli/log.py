"""`storyreel log`: the events themselves."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from infra.cli import log_checkpoint, log_show, log_verify
from infra.cli.options import DATA, DataOption
from infra.cli.target import target_settings
from infra.log_reader import Decode, read_records
from infra.settings import Settings
from schemas.serde import Codec, UnknownSchemaError
from schemas.topics import BY_NAME

app = App(name="log", help="Events of the running stack, or of the cluster that STORYREEL_KAFKA names.")
app.command(log_show.show)
app.command(log_verify.verify)
app.command(log_checkpoint.checkpoint)
app.command(log_checkpoint.key)


@app.command
def tail(
    *,
    topic: Annotated[list[str] | None, Parameter(help="Topics to read; all if not given.")] = None,
    from_beginning: Annotated[bool, Parameter(negative="", help="Start at the oldest record.")] = False,
    limit: Annotated[int | None, Parameter(help="At most this many records.")] = None,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], negative="", help="Go on with new records.")] = False,
    data: DataOption = DATA,
) -> None:
    """Print committed records, one JSON object a line; personal fields stay sealed."""
    asyncio.run(_tail(target_settings(data), topic or list(BY_NAME), from_beginning, limit, follow))


async def _tail(
    settings: Settings, topics: Sequence[str], from_beginning: bool, limit: int | None, follow: bool
) -> None:
    from infra.registry import load_codec  # late: the registry client is half of the command line's start-up

    decode = decoder(await load_codec(settings), settings)
    records = read_records(settings.kafka, topics, decode, from_beginning=from_beginning, limit=limit, follow=follow)
    async for record in records:
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def decoder(codec: Codec, settings: Settings) -> Decode:
    """Value bytes to plain fields; schema versions not met before are asked of the registry."""
    from infra.registry import learn_schema_blocking

    def decode(value: bytes, _headers: Sequence[tuple[str, bytes]]) -> Mapping[str, Any]:
        try:
            record = codec.decode(value)
        except UnknownSchemaError as error:
            learn_schema_blocking(codec, settings, error)
            record = codec.decode(value)
        fields: Mapping[str, Any] = msgspec.to_builtins(record, builtin_types=(bytes, datetime))
        return fields

    return decode
