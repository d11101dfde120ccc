"""What a letter on `dead.letters` tells, and which record it may become again. No IO."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from infra.dead_letters import MOST_KEY, PREFIX
from schemas.errors import ContractError, StoryreelError
from schemas.serde import Headers
from schemas.topics import BY_NAME, REPORTS, REQUESTS

SENDABLE = (REQUESTS.name, REPORTS.name)
REDRIVEN = PREFIX + "redriven"  # on the record that was sent again: offset of its letter
MARKER = PREFIX + "redriven_offset"  # on the marker: offset of the letter


class LetterRefusedError(StoryreelError):
    """A letter that must not be sent again; the message names the letter and the rule."""

    code = "letter_refused"


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter: its offset, when it was written, what its headers tell, and `size`, bytes of the value as it was.

    `topic`, `partition` and `source_offset` tell where the record was, None if the headers do not. `refusal` is why it is
    never sent again, None if it may be.
    """

    offset: int
    time: datetime
    topic: str | None
    partition: int | None
    source_offset: int | None
    reader: str
    error: str
    reason: str
    size: int
    redriven: bool
    refusal: str | None


class Original(Struct, frozen=True, kw_only=True):
    """A record to be sent again."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def marked_offset(record: Any) -> int | None:
    """Offset of the letter that a marker is about, None for a letter. Every letter has `dlq.topic`, no marker has."""
    headers = dict(record.headers)
    return None if PREFIX + "topic" in headers else _number(headers.get(MARKER))


def letter_of(record: Any, redriven: bool = False) -> Letter:
    """What a consumed record of `dead.letters` tells about itself. Of repeated headers the last counts: the reader's."""
    headers = dict(record.headers)
    topic, partition, source = (headers.get(PREFIX + name) for name in ("topic", "partition", "offset"))
    size = _number(headers.get(PREFIX + "size"))
    return Letter(
        offset=record.offset,
        time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        topic=_text(topic) if topic else None,
        partition=_number(partition),
        source_offset=_number(source),
        reader=_text(headers.get(PREFIX + "reader")),
        error=_text(headers.get(PREFIX + "error")),
        reason=_text(headers.get(PREFIX + "reason")),
        size=len(record.value or b"") if size is None else size,
        redriven=redriven,
        refusal=refusal(record),
    )


def refusal(record: Any) -> str | None:
    """Why a letter is never sent again, None if it may be: whole records of requests and reports only.

    Requests and reports are judged by the coordinator whoever sends them. Topics of the ledger have one writer, because
    their records are numbered and hashed in a chain; heartbeats and progress are true for a moment only.
    """
    headers = dict(record.headers)
    topic = _text(headers.get(PREFIX + "topic"))
    spec = BY_NAME.get(topic)
    if not topic or None in (_number(headers.get(PREFIX + "partition")), _number(headers.get(PREFIX + "offset"))):
        return "its headers do not say where it came from (dlq.topic, dlq.partition, dlq.offset)"
    if spec is None:
        return f"{topic} is no topic of the catalogue"
    if spec.writer == "coordinator":
        return f"only the coordinator may write to {topic}: another writer would break the ledger's numbers and hashes"
    if topic not in SENDABLE:
        return (
            f"only records of {' and '.join(SENDABLE)} are sent again: what {topic} carries is true for a moment only"
        )
    if PREFIX + "size" in headers:
        size = _text(headers[PREFIX + "size"])
        return f"it was cut: the record had {size} bytes (dlq.size), and only whole records are sent again"
    if record.key == _place(headers) and len(headers.get(PREFIX + "key") or b"") >= MOST_KEY:
        return f"its key may have been cut: {MOST_KEY} bytes or more, and only whole records are sent again"
    return None


def original_of(record: Any) -> Original:
    """The record that a letter keeps, with the letter's offset in header `dlq.redriven` as the only `dlq.` header.

    Raises `LetterRefusedError` with the rule if it must not be sent again.
    """
    if (rule := refusal(record)) is not None:
        raise LetterRefusedError(f"dead letter {record.offset} is not sent again: {rule}")
    told = dict(record.headers)
    own = [(name, value or b"") for name, value in record.headers if not name.startswith(PREFIX)]
    return Original(
        topic=_text(told[PREFIX + "topic"]),
        partition=int(told[PREFIX + "partition"]),
        key=told.get(PREFIX + "key") if record.key == _place(told) else record.key,
        value=record.value,
        headers=[*own, (REDRIVEN, str(record.offset).encode())],
    )


def chosen(letters: Sequence[Letter], offsets: Iterable[int]) -> list[Letter]:
    """The letters at `offsets`, each once, that were not sent yet.

    Raises `ContractError` naming offsets without a letter and `LetterRefusedError` naming each letter that must not be sent.
    """
    wanted = list(dict.fromkeys(offsets))
    known = {letter.offset: letter for letter in letters}
    if missing := [str(offset) for offset in wanted if offset not in known]:
        raise ContractError(f"no dead letter at offset {', '.join(missing)}; `storyreel dlq list` shows what there is")
    found = [known[offset] for offset in wanted]
    if refused := [f"dead letter {one.offset} is not sent again: {one.refusal}" for one in found if one.refusal]:
        raise LetterRefusedError("; ".join(refused))
    return [letter for letter in found if not letter.redriven]


def _place(headers: Mapping[str, bytes | None]) -> bytes:
    """Key of the letters of readers that do not keep the record's key as theirs."""
    return b"-".join(headers.get(PREFIX + name) or b"" for name in ("topic", "partition", "offset"))


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _number(value: bytes | None) -> int | None:
    """A number as the product writes it: ASCII digits, at most 19."""
    return int(value) if value is not None and value.isdigit() and len(value) <= 19 else None
