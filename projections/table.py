"""Rows to SQL and back: one `Table` a row class, columns named like its fields; structs, lists and raw JSON as jsonb."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from msgspec import Raw, Struct

Row = TypeVar("Row", bound=Struct)
Connection = PoolConnectionProxy | asyncpg.Connection  # one of a pool, or of its own
SCHEMA = "read_models"
_TEXT, _PLAIN, _JSON = range(3)


class Table(Generic[Row]):
    """A table of the read models: `key` names its primary key, `left_out` fields that live in another table.

    Statements name every column, so that a column the row class does not know stays as it is.
    """

    def __init__(
        self, name: str, row: type[Row], key: Sequence[str], left_out: Iterable[str] = (), schema: str = SCHEMA
    ) -> None:
        hints = typing.get_type_hints(row)
        self.name = f"{schema}.{name}"
        self.relation, self.left_out = name, tuple(left_out)
        self.row = row
        self.key = tuple(key)
        self.columns = tuple(field for field in row.__struct_fields__ if field not in self.left_out)
        self._key_fields: Callable[[Row], Any] = attrgetter(*self.key)
        self._fields = attrgetter(*self.columns)
        encoders = ((place, _encoder(hints[column])) for place, column in enumerate(self.columns))
        self._encoders = [(place, encode) for place, encode in encoders if encode is not _as_is]
        self._decoders: list[tuple[str, Callable[[Any], Any] | None]] = [
            (column, _decoder(hints[column])) for column in self.columns
        ]
        self.quoted = _quoted(self.columns)
        self.select = f"SELECT {self.quoted} FROM {self.name}"  # noqa: S608
        self._upsert = self._upsert_sql()
        arrays = ", ".join(f"${number}::text[]" for number in range(1, len(self.key) + 1))
        self._load = f"{self.select} WHERE ({_quoted(self.key)}) IN (SELECT * FROM unnest({arrays}))"  # noqa: S608

    def within(self, schema: str) -> Table[Row]:
        """The table of the same name in another schema."""
        return Table(self.relation, self.row, self.key, self.left_out, schema)

    def values(self, row: Row) -> tuple[Any, ...]:
        """The row's columns as PostgreSQL takes them, in the order of `columns`."""
        found = list(self._fields(row))
        for place, encode in self._encoders:
            found[place] = encode(found[place])
        return tuple(found)

    def key_of(self, row: Row) -> tuple[str, ...]:
        """The row's primary key."""
        found = self._key_fields(row)
        return (found,) if type(found) is str else tuple(map(str, found))

    def decode(self, record: Record | Mapping[str, Any]) -> Row:
        """A row from a result of `select`."""
        values = {c: record[c] if f is None or record[c] is None else f(record[c]) for c, f in self._decoders}
        return self.row(**values)

    async def load(self, connection: Connection, keys: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], Row]:
        """The rows of these keys, as far as there are any. Key columns are text."""
        columns = list(zip(*keys, strict=True))
        if not columns:
            return {}
        rows = map(self.decode, await connection.fetch(self._load, *(list(column) for column in columns)))
        return {self.key_of(row): row for row in rows}

    async def upsert(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Insert or replace the rows."""
        values = [self.values(row) for row in rows]
        if values:
            await connection.executemany(self._upsert, values)

    def _upsert_sql(self) -> str:
        places = ", ".join(f"${number}" for number in range(1, len(self.columns) + 1))
        return self.merge_sql(f"VALUES ({places})")

    def merge_sql(self, source: str) -> str:
        """A statement that inserts, or replaces, what `source` (VALUES or SELECT) yields in the order of `columns`."""
        rest = [column for column in self.columns if column not in self.key]
        change = ", ".join(f'"{column}" = excluded."{column}"' for column in rest)
        return (
            f"INSERT INTO {self.name} ({self.quoted}) {source} ON CONFLICT ({_quoted(self.key)}) DO UPDATE SET {change}"
        )


def _quoted(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _form(hint: Any) -> tuple[int, Any]:
    """How a field is stored, and its type without None."""
    if typing.get_origin(hint) in (UnionType, typing.Union):
        hint = next(argument for argument in typing.get_args(hint) if argument is not NoneType)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _TEXT, hint
    if hint in (str, int, bool, float, bytes, datetime) or typing.get_origin(hint) is typing.Literal:
        return _PLAIN, hint
    return _JSON, hint


def _encoder(hint: Any) -> Callable[[Any], Any]:
    form, _ = _form(hint)
    if hint is Raw:
        return _raw_text
    return {_TEXT: _as_text, _PLAIN: _as_is, _JSON: _as_json}[form]


def _decoder(hint: Any) -> Callable[[Any], Any] | None:
    form, kind = _form(hint)
    if form == _PLAIN:
        return None
    if form == _TEXT:
        return partial(_member, kind)
    return _as_raw if kind is Raw else msgspec.json.Decoder(kind).decode


def _member(kind: type[StrEnum], value: str) -> StrEnum:
    return kind(value)


def _as_is(value: Any) -> Any:
    return value


def _as_text(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _as_json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _raw_text(value: Raw) -> str:
    return bytes(value).decode()


def _as_raw(value: str) -> Raw:
    return Raw(value.encode())
