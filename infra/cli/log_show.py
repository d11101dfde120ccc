"""`storyreel log show`: everything that happened to one thing, and why."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from infra.cli.log_verify import printable, reading
from infra.cli.options import DATA, DataOption, JsonOption, ReasonOption
from infra.cli.target import target_settings
from infra.operators import record_act
from infra.settings import Settings
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from infra.audit.sealed import Show
    from infra.audit.story import Line, Subject, Told

MOST = 20_000
_INDENT = 2
_DEEPEST = 12
_LONGEST = 100  # characters of one field


def show(
    *,
    task: Annotated[str | None, Parameter(help="Id of a task.")] = None,
    account: Annotated[str | None, Parameter(help="Id of an account.")] = None,
    character: Annotated[str | None, Parameter(help="Id of a character.")] = None,
    correlation: Annotated[str | None, Parameter(help="Correlation id of a request.")] = None,
    open_: Annotated[
        bool, Parameter(name="--open", negative="", help="Decrypt sealed fields with the keystore of this host.")
    ] = False,
    reason: ReasonOption = "",
    limit: Annotated[int, Parameter(help="Stop with an error beyond this many records.")] = MOST,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Tell the whole story of one thing in order: request, decision, events, commands, reports, outcomes.

    Each line says which line led to it; what a cause led to is indented below it.
    """
    from infra.audit.story import Subject, lines

    asked = {"task": task, "account": account, "character": character, "correlation": correlation}
    named = [(kind, id_) for kind, id_ in asked.items() if id_]
    if len(named) != 1:
        raise ConfigurationError("name one of --task, --account, --character and --correlation")
    kind, id_ = named[0]
    settings = target_settings(data)
    subject = Subject(kind, id_)  # type: ignore[arg-type]
    story = asyncio.run(_tell(settings, subject, limit, quiet=as_json))
    if not story:
        raise ConfigurationError(f"nothing on the log belongs to {kind} {id_}")
    if open_:
        owner = subject.account_of(story[0].record)
        asyncio.run(record_act(settings, "log show --open", f"{kind} {id_}", reason=reason, account_id=owner))
    with ExitStack() as stack:
        show_of = shower(settings, subject, stack, open_=open_)
        entries = [entry(line, show_of(line)) for line in lines(story)]
    if as_json:
        sys.stdout.write(msgspec.json.encode(entries).decode() + "\n")
        return
    if open_:
        sys.stdout.write("sealed fields are shown decrypted\n")
    for text in told(entries):
        sys.stdout.write(printable(text) + "\n")


async def _tell(settings: Settings, subject: Subject, limit: int, *, quiet: bool) -> Sequence[Told]:
    from infra.audit.telling import tell

    with reading(quiet=quiet) as moved:
        return await tell(settings, subject, limit, moved)


def shower(settings: Settings, subject: Subject, stack: ExitStack, *, open_: bool) -> Callable[[Line], Show]:
    """A function that gives, for a line, what is shown of its ciphertexts."""
    from infra.audit.sealed import closed, opener

    if not open_:
        return lambda _line: closed
    from infra.keystore import open_keystore

    keystore = stack.enter_context(closing(open_keystore(settings, os.environ)))
    return lambda line: opener(keystore, subject.account_of(line.told.record))


def entry(line: Line, show: Show) -> dict[str, Any]:
    """A line as JSON types."""
    from infra.audit.sealed import purpose_of, shown
    from infra.audit.story import fields_of
    from schemas.envelope import LedgerRecord

    raw, record = line.told.raw, line.told.record
    envelope = record.envelope
    return {
        "number": line.number,
        "depth": line.depth,
        "because": line.because,
        "time": envelope.occurred_at.isoformat(timespec="microseconds"),
        "type": type(record).__name__,
        "topic": raw.topic,
        "partition": raw.partition,
        "offset": raw.offset,
        "shard_seq": record.stamp.shard_seq if isinstance(record, LedgerRecord) else None,
        "event_id": envelope.event_id,
        "causation_id": envelope.causation_id,
        "correlation_id": envelope.correlation_id,
        "account_id": envelope.account_id,
        "fields": shown(fields_of(record), show, purpose_of(record)),
    }


def told(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for every record: number, time, type, place, because of which line, and what it says."""
    width = len(str(len(entries)))
    for one in entries:
        indent = " " * _INDENT * min(one["depth"], _DEEPEST)
        place = f"{one['topic']}[{one['partition']}]@{one['offset']}"
        clock = one["time"][:10] + " " + one["time"][11:23]
        said = "".join(f"  {short(name, value)}" for name, value in one["fields"].items())
        yield f"{one['number']:>{width}}  {clock}  {indent}{one['type']} {place}{cause(one)}{said}"


def cause(entry: dict[str, Any]) -> str:
    """The line that led to this one, or the id of a record outside the story; the coordinator may act by itself."""
    if entry["because"] or entry["causation_id"]:
        return f" because of {entry['because'] or entry['causation_id']}"
    return " by itself" if entry["shard_seq"] is not None else ""


def short(name: str, value: Any) -> str:
    """A field in a line of text; long ones are cut, `--json` has all."""
    if name == "sealed" and isinstance(value, str):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"{name}={text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}"
