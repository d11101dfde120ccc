"""Rows as JSON, one object a line: times in ISO 8601, bytes in base64, null where a column has no value."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from infra.export.columns import row_of
from infra.export.entry import Decoder, Entry
from schemas.errors import ContractError


class JsonLines:
    """`.jsonl` files, gzipped on demand."""

    name = "jsonl"

    def __init__(self, decoder: Decoder, *, gzipped: bool = False) -> None:
        self._decoder = decoder
        self._gzipped = gzipped
        self.suffix = ".jsonl.gz" if gzipped else ".jsonl"

    def kind_of(self, _: Entry) -> str:
        """All records of a topic share files."""
        return ""

    def open(self, path: Path, _first: Entry) -> _Writer:
        """Begin a file."""
        return _Writer(gzip.open(path, "wb", compresslevel=6) if self._gzipped else path.open("wb"), self._decoder)

    def schemas(self) -> dict[int, str]:
        """None are needed."""
        return {}


class _Writer:
    def __init__(self, out: IO[bytes] | gzip.GzipFile, decoder: Decoder) -> None:
        self._out = out
        self._decoder = decoder
        self._encoder = msgspec.json.Encoder()

    def write(self, entries: Sequence[Entry]) -> None:
        self._out.write(self._encoder.encode_lines([row(entry, self._decoder) for entry in entries]))

    def close(self) -> None:
        self._out.close()


def row(entry: Entry, decoder: Decoder) -> dict[str, object]:
    """The row of a record, readable or not."""
    try:
        return row_of(entry, decoder.decode(entry))
    except ContractError as error:
        return row_of(entry, None, str(error))
