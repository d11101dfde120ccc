"""What is kept of a record that nobody can use."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from infra.dead_letters import MOST_BYTES, dead_letter_headers, dead_letter_key, dead_letter_value
from schemas.errors import ContractError
from schemas.topics import DEAD_LETTERS


class Message(Struct, frozen=True, kw_only=True):
    topic: str = "tasks"
    partition: int = 3
    offset: int = 14
    key: bytes | None = b"k"
    value: bytes | None = b"v"
    headers: Sequence[tuple[str, bytes | None]] = ()


def size(message: Message) -> int:
    headers = dead_letter_headers(message, ContractError("x" * 9_999), "reader")
    kept = len(dead_letter_value(message) or b"") + len(dead_letter_key(message) or b"")
    return kept + sum(len(name.encode()) + len(value) for name, value in headers)


def test_headers_tell_where_the_record_was_who_read_it_and_why_not() -> None:
    message = Message(headers=[("ce_id", b"7"), ("empty", None)])
    assert dead_letter_headers(message, ContractError("magic byte 7 is not 0"), "the reader") == [
        ("ce_id", b"7"),
        ("empty", b""),
        ("dlq.topic", b"tasks"),
        ("dlq.partition", b"3"),
        ("dlq.offset", b"14"),
        ("dlq.reader", b"the reader"),
        ("dlq.error", b"ContractError"),
        ("dlq.reason", b"magic byte 7 is not 0"),
        ("dlq.attempts", b"1"),
        ("dlq.key", b"k"),
    ]
    assert (dead_letter_key(message), dead_letter_value(message)) == (b"k", b"v")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([0, 1, MOST_BYTES // 2, MOST_BYTES]), min_size=3, max_size=3))
def test_a_letter_always_fits_into_a_record_and_says_when_it_was_cut(lengths: list[int]) -> None:
    key, value, header = (b"x" * length for length in lengths)
    message = Message(key=key, value=value, headers=[("own", header)])
    assert size(message) < min(MOST_BYTES + 10_000, DEAD_LETTERS.max_bytes or 0)
    told = dict(dead_letter_headers(message, ContractError("x"), "reader"))
    if sum(lengths) + len("own") > MOST_BYTES:
        assert (told["dlq.size"], told["dlq.sha256"]) == (
            str(len(value)).encode(),
            hashlib.sha256(value).hexdigest().encode(),
        )
    else:
        assert (dead_letter_value(message), dead_letter_key(message), told["own"]) == (value, key, header)
        assert "dlq.size" not in told


def test_a_record_without_key_and_value_stays_without() -> None:
    message = Message(key=None, value=None)
    assert (dead_letter_key(message), dead_letter_value(message)) == (None, None)
    assert dict(dead_letter_headers(message, ContractError("no value"), "reader"))["dlq.key"] == b""
