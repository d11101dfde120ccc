"""How a record that a reader cannot use is kept on `dead.letters`: the same headers whoever the reader is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from schemas.serde import Headers

PREFIX = "dlq."
MOST_BYTES = 33_500_000  # of a dead letter; what is larger loses its end and its own headers, and says so
MOST_KEY = 1_000  # bytes of a key that is repeated in a header, and of the key of a record that is too large
MOST_REASON = 500  # characters


class Unusable(Protocol):
    """A record as a consumer delivered it, aiokafka's `ConsumerRecord` for one."""

    @property
    def topic(self) -> str:
        """Where it was."""

    @property
    def partition(self) -> int:
        """Where it was."""

    @property
    def offset(self) -> int:
        """Where it was."""

    @property
    def key(self) -> bytes | None:
        """Bytes as they came."""

    @property
    def value(self) -> bytes | None:
        """Bytes as they came."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Headers as they came; Kafka allows null values."""


def dead_letter_headers(message: Unusable, error: Exception, reader: str) -> Headers:
    """The record's own headers, then `dlq.topic`, `.partition`, `.offset`, `.reader`, `.error`, `.reason`, `.attempts`.

    `dlq.error` is the class of the exception, `dlq.reason` its first 500 characters, `dlq.key` the key, because not every
    reader's letters are keyed like the record, at most 1,000 bytes. A record that is
    too large to be written again keeps none of its own headers; `dlq.size` (bytes) and `dlq.sha256` tell what its value was.
    """
    facts = {
        "topic": message.topic,
        "partition": str(message.partition),
        "offset": str(message.offset),
        "reader": reader,
        "error": type(error).__name__,
        "reason": str(error)[:MOST_REASON],
        "attempts": "1",
    }
    own = _own_headers(message)
    if is_too_large(message):
        whole = message.value or b""
        facts |= {"size": str(len(whole)), "sha256": hashlib.sha256(whole).hexdigest()}
        own = []
    added = [(PREFIX + name, text.encode("utf-8", "replace")) for name, text in facts.items()]
    return [*own, *added, (PREFIX + "key", (message.key or b"")[:MOST_KEY])]


def dead_letter_value(message: Unusable) -> bytes | None:
    """The bytes to keep: all, or the first of a record that is too large."""
    return message.value[: MOST_BYTES // 2] if message.value and is_too_large(message) else message.value


def dead_letter_key(message: Unusable) -> bytes | None:
    """The key to keep: all of it, or its beginning."""
    return message.key[:MOST_KEY] if message.key and is_too_large(message) else message.key


def is_too_large(message: Unusable) -> bool:
    """Whether the record, with what is added, might not be taken by the broker."""
    headers = sum(len(name.encode()) + len(text) for name, text in _own_headers(message))
    return len(message.value or b"") + len(message.key or b"") + headers > MOST_BYTES


def _own_headers(message: Unusable) -> Headers:
    return [(name, value or b"") for name, value in message.headers]
