"""Evidence that is too large for memory: records and lines in files, written once and read as often as needed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.faults.checker.records import Raw

_LENGTH = struct.Struct(">I")
_DECODER = msgspec.msgpack.Decoder(Raw)
_ENCODER = msgspec.msgpack.Encoder()


class Spool:
    """Records of one partition in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._out = path.open("wb")
        self._count = 0

    def append(self, raw: Raw) -> None:
        """Write one record."""
        body = _ENCODER.encode(raw)
        self._out.write(_LENGTH.pack(len(body)) + body)
        self._count += 1

    def close(self) -> None:
        """Make everything readable."""
        self._out.close()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Raw]:
        with self._path.open("rb", buffering=1 << 20) as records:
            while head := records.read(_LENGTH.size):
                yield _DECODER.decode(records.read(_LENGTH.unpack(head)[0]))


class Lines:
    """Lines of text in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def writing(self) -> Iterator[Callable[[str], None]]:
        """A function that adds a line, while the block runs."""
        with self._path.open("w", encoding="utf-8") as out:
            yield lambda line: print(line, file=out)

    def __iter__(self) -> Iterator[str]:
        with self._path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.removesuffix("\n")
