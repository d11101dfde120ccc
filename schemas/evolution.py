"""Whether one version of a schema reads what another wrote: the resolution rules of Apache Avro 1.12, each break named.

Recursive schemas are refused: no record of ours is one. Logical types and descriptions do not take part in resolution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

from schemas.errors import ContractError

_PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
_NAMED = ("record", "enum", "fixed")


def breaks(reader: Any, writer: Any) -> list[str]:
    """Why `reader` cannot read everything that `writer` writes, one line each; empty if it can. Arguments are JSON schemas."""
    return list(_breaks(expanded(reader), expanded(writer), ""))


def full_transitive_breaks(versions: Mapping[str, Any]) -> list[str]:
    """What breaks FULL_TRANSITIVE among versions (name → JSON schema): every one must read every other."""
    return [
        f"{reader} cannot read {writer}: {reason}"
        for reader, writer in permutations(versions, 2)
        for reason in breaks(versions[reader], versions[writer])
    ]


def expanded(schema: Any, namespace: str = "", known: dict[str, Any] | None = None) -> Any:
    """The schema with every reference by name replaced by what it names. Raises `ContractError` for recursive ones."""
    known = {} if known is None else known
    if isinstance(schema, list):
        return [expanded(branch, namespace, known) for branch in schema]
    if isinstance(schema, str):
        found = known.get(_full_name(schema, namespace), schema)
        if found is None:
            raise ContractError(f"schema {schema} is recursive")
        return found
    kind = schema["type"]
    if kind == "array":
        return {"type": "array", "items": expanded(schema["items"], namespace, known)}
    if kind == "map":
        return {"type": "map", "values": expanded(schema["values"], namespace, known)}
    if isinstance(kind, (dict, list)):
        return expanded(kind, namespace, known)
    if kind not in _NAMED:
        return schema
    name = _full_name(schema["name"], schema.get("namespace", namespace))
    inner = name.rpartition(".")[0]
    made = schema | {"name": name}
    if kind == "record":
        known[name] = None
        made["fields"] = [field | {"type": expanded(field["type"], inner, known)} for field in schema["fields"]]
    known[name] = made
    return made


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _kind(schema: Any) -> str:
    if isinstance(schema, list):
        return "union"
    return str(schema["type"]) if isinstance(schema, dict) else str(schema)


def _breaks(reader: Any, writer: Any, path: str) -> Iterator[str]:
    kinds = (_kind(reader), _kind(writer))
    if kinds[1] == "union":
        for branch in writer:
            yield from _breaks(reader, branch, path)
    elif kinds[0] == "union":
        if all(any(_breaks(branch, writer, path)) for branch in reader):
            yield f"{_at(path)}no branch of the union reads {kinds[1]}"
    elif kinds[0] != kinds[1]:
        if kinds[0] not in _PROMOTIONS.get(kinds[1], ()):
            yield f"{_at(path)}{kinds[0]} does not read {kinds[1]}"
    elif kinds[0] in _NAMED:
        yield from _named_breaks(reader, writer, path)
    elif kinds[0] in ("array", "map"):
        inner = "items" if kinds[0] == "array" else "values"
        yield from _breaks(reader[inner], writer[inner], f"{path}[]")


def _named_breaks(reader: Any, writer: Any, path: str) -> Iterator[str]:
    name, written = reader["name"], writer["name"]
    if name.rpartition(".")[2] != written.rpartition(".")[2] and written not in reader.get("aliases", ()):
        yield f"{_at(path)}{name} does not read {written}"
    elif reader["type"] == "record":
        yield from _record_breaks(reader, writer, path)
    elif reader["type"] == "enum":
        unread = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
        if unread and "default" not in reader:
            yield f"{_at(path)}enum {name} has no default for {', '.join(unread)}"
    elif reader["size"] != writer["size"]:
        yield f"{_at(path)}fixed {name} has {reader['size']} bytes, not {writer['size']}"


def _record_breaks(reader: Any, writer: Any, path: str) -> Iterator[str]:
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        place = f"{path}.{field['name']}" if path else field["name"]
        source = next((written[n] for n in (field["name"], *field.get("aliases", ())) if n in written), None)
        if source is not None:
            yield from _breaks(field["type"], source["type"], place)
        elif "default" not in field:
            yield f"{place}: added without a default"


def _at(path: str) -> str:
    return f"{path}: " if path else ""
