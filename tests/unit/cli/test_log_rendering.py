"""How records look to people: sealed bytes never, hashes of the chain in hex."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.log_reader import PUBLIC, plain, render
from schemas.errors import ContractError

Names = st.text().filter(lambda name: name not in PUBLIC)
Fields = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(min_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(Names, inner, max_size=3),
    max_leaves=10,
)


@dataclass
class Consumed:
    """A record as a consumer hands it over."""

    value: bytes | None
    key: bytes | None = b"account"
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    topic: str = "tasks"
    partition: int = 2
    offset: int = 7
    timestamp: int = 1_767_225_600_500


class Colour(Enum):
    RED = "red"


def test_a_record_in_full() -> None:
    record = Consumed(b"x", headers=[("ce_type", b"film.TaskAccepted")])
    shown = render(
        record, lambda value, _: {"prompt": value, "prev_hash": b"\x00\xff", "root": b"r", "colour": Colour.RED}
    )
    assert shown == {
        "topic": "tasks",
        "partition": 2,
        "offset": 7,
        "type": "TaskAccepted",
        "time": "2026-01-01T00:00:00.500+00:00",
        "key": "account",
        "value": {"prompt": "<sealed 1 bytes>", "prev_hash": "00ff", "root": "72", "colour": "red"},
    }


def test_tombstones_and_strangers() -> None:
    assert render(Consumed(None, key=None), lambda _, __: {})["value"] is None
    assert render(Consumed(None, key=b"\xff"), lambda _, __: {})["key"] == "\ufffd"

    def refuse(_: bytes, __: Any) -> dict[str, Any]:
        raise ContractError("not Avro")

    shown = render(Consumed(b"abc"), refuse)
    assert shown["type"] is None
    assert shown["value"] == {"undecodable": "not Avro", "bytes": 3}


@given(st.dictionaries(Names, Fields, max_size=4))
def test_any_fields_become_json_without_their_bytes(fields: dict[str, Any]) -> None:
    shown = plain(fields)
    assert json.loads(json.dumps(shown)) == shown
    assert not any(isinstance(leaf, bytes) for leaf in _leaves(shown))
    assert [leaf for leaf in _leaves(fields) if not isinstance(leaf, bytes)] == [
        leaf for leaf in _leaves(shown) if not (isinstance(leaf, str) and leaf.startswith("<sealed "))
    ]


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]
