"""Typed tables: Parquet files with Zstandard compression and bounded row groups. pyarrow is an extra, hence imported late."""

from __future__ import annotations

import importlib
import types
import typing
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from infra.export.columns import columns_of
from infra.export.entry import Decoder, Entry
from infra.export.jsonl import row
from schemas.errors import ConfigurationError
from schemas.topics import BY_NAME, TopicSpec

GROUP_ROWS = 65_536
GROUP_BYTES = 64 * 1024 * 1024


def _pyarrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ConfigurationError(
            "Parquet needs pyarrow, which is not installed; install it, or storyreel with its extra `analytics`; "
            "--format jsonl and --format avro work without"
        ) from error


class Parquet:
    """`.parquet` files of one schema a topic. Raises `ConfigurationError` when pyarrow is missing."""

    name = "parquet"
    suffix = ".parquet"

    def __init__(self, decoder: Decoder) -> None:
        self._arrow, self._files = _pyarrow()
        self._decoder = decoder
        self._schemas: dict[str, Any] = {}

    def kind_of(self, _: Entry) -> str:
        """All records of a topic share files."""
        return ""

    def open(self, path: Path, first: Entry) -> _Writer:
        """Begin a file with the columns of the topic."""
        if first.topic not in self._schemas:
            self._schemas[first.topic] = arrow_schema(BY_NAME[first.topic])
        schema = self._schemas[first.topic]
        writer = self._files.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True)
        return _Writer(self._arrow, writer, schema, self._decoder)

    def schemas(self) -> dict[int, str]:
        """None are needed."""
        return {}


class _Writer:
    def __init__(self, arrow: Any, writer: Any, schema: Any, decoder: Decoder) -> None:
        self._arrow = arrow
        self._writer = writer
        self._schema = schema
        self._decoder = decoder
        self._batches: list[Any] = []
        self._rows = 0
        self._bytes = 0

    def write(self, entries: Sequence[Entry]) -> None:
        rows = [row(entry, self._decoder) for entry in entries]
        batch = self._arrow.RecordBatch.from_pylist(rows, self._schema)
        self._batches.append(batch)
        self._rows, self._bytes = self._rows + batch.num_rows, self._bytes + batch.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(self._arrow.Table.from_batches(self._batches), row_group_size=GROUP_ROWS)
        self._batches, self._rows, self._bytes = [], 0, 0


def arrow_schema(topic: TopicSpec) -> Any:
    """The topic's columns as an Arrow schema: nested records are structs, times UTC with microseconds."""
    arrow, _ = _pyarrow()
    return arrow.schema([(name, _arrow_type(arrow, hint)) for name, hint in columns_of(topic).items()])


def _arrow_type(arrow: Any, hint: Any) -> Any:
    simple = {
        str: arrow.string(),
        int: arrow.int64(),
        float: arrow.float64(),
        bool: arrow.bool_(),
        bytes: arrow.binary(),
    }
    if hint in simple:
        return simple[hint]
    if hint is datetime:
        return arrow.timestamp("us", tz="UTC")
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _arrow_type(arrow, next(arg for arg in args if arg is not type(None)))
    if origin is list:
        return arrow.list_(_arrow_type(arrow, args[0]))
    if issubclass(hint, StrEnum):
        return arrow.string()
    hints = typing.get_type_hints(hint)
    fields = msgspec.structs.fields(hint)
    return arrow.struct([(field.name, _arrow_type(arrow, hints[field.name])) for field in fields])
