"""The rules of schema resolution: what one version may change without breaking a reader of another."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ContractError
from schemas.evolution import breaks, expanded
from schemas.history import sample


def record(*fields: dict[str, Any], name: str = "Thing", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "storyreel", "fields": list(fields)} | more


def field(name: str, kind: Any, *default: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind} | ({"default": default[0]} if default else {}) | more


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "Colour", "symbols": list(symbols)} | more


@pytest.mark.parametrize(
    ("reader", "writer", "reasons"),
    [
        (record(field("a", "long", 0)), record(), []),
        (record(field("a", "long")), record(), ["a: added without a default"]),
        (record(), record(field("a", "long")), []),
        (record(field("b", "long", aliases=["a"])), record(field("a", "long")), []),
        (record(name="Other"), record(), ["storyreel.Other does not read storyreel.Thing"]),
        (record(name="Other", aliases=["storyreel.Thing"]), record(), []),
        ("double", "long", []),
        ("long", "double", ["long does not read double"]),
        ("bytes", "string", []),
        (["null", "string"], "string", []),
        ("string", ["null", "string"], ["string does not read null"]),
        (["null", "string"], "long", ["no branch of the union reads long"]),
        (enum("red"), enum("red", "blue"), ["enum Colour has no default for blue"]),
        (enum("red", default="red"), enum("red", "blue"), []),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}, ["[]: int does not read long"]),
        ({"type": "map", "values": "long"}, {"type": "map", "values": "int"}, []),
        (
            {"type": "fixed", "name": "F", "size": 4},
            {"type": "fixed", "name": "F", "size": 5},
            ["fixed F has 4 bytes, not 5"],
        ),
    ],
)
def test_rules_of_resolution(reader: Any, writer: Any, reasons: list[str]) -> None:
    assert breaks(reader, writer) == reasons


def test_a_break_names_the_way_to_it() -> None:
    inner = field("stamp", record(field("seq", "long", 0), name="Stamp"), {})
    other = field("stamp", record(field("seq", "string", ""), name="Stamp"), {})
    assert breaks(record(inner), record(other)) == ["stamp.seq: long does not read string"]


def test_references_are_followed_and_recursion_is_refused() -> None:
    inner = record(field("seq", "long", 0), name="Stamp")
    twice = record(field("first", inner), field("second", "Stamp"))
    assert expanded(twice)["fields"][1]["type"]["fields"] == inner["fields"]
    with pytest.raises(ContractError, match="recursive"):
        expanded(record(field("again", ["null", "Thing"], None)))


KINDS = st.sampled_from(
    [
        "long",
        "double",
        "string",
        "bytes",
        "boolean",
        ["null", "long"],
        ["null", "string"],
        {"type": "array", "items": "long"},
    ]
)
FIELDS = st.dictionaries(st.sampled_from("abcd"), KINDS, max_size=4)


def defaulted(fields: dict[str, Any]) -> dict[str, Any]:
    empty = {"long": 0, "double": 0.0, "string": "", "bytes": "", "boolean": False}
    kinds = {
        name: empty[kind] if isinstance(kind, str) else None if isinstance(kind, list) else []
        for name, kind in fields.items()
    }
    return record(*(field(name, kind, kinds[name]) for name, kind in fields.items()))


@given(FIELDS, FIELDS)
def test_what_is_called_readable_is_read(written: dict[str, Any], wanted: dict[str, Any]) -> None:
    """fastavro reads everything that the rules allow."""
    writer, reader = defaulted(written), defaulted(wanted)
    if breaks(reader, writer):
        return
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(writer), sample(expanded(writer)))
    found: Any = fastavro.schemaless_reader(
        io.BytesIO(out.getvalue()), fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    )
    assert set(found) == set(wanted)
