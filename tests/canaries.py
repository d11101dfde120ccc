"""Looking for a text everywhere a running stack keeps anything, in the forms in which bytes hide a text."""

from __future__ import annotations

import base64
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

_BLOCK = 1 << 24
SNAPSHOT = b"SRSNAP\x00\x01"


def forms(text: str) -> list[bytes]:
    """UTF-8, both UTF-16, and of UTF-8 hex in both cases and base64 at each of the three alignments."""
    plain = text.encode()
    found = [plain, text.encode("utf-16-le"), text.encode("utf-16-be"), plain.hex().encode()]
    found += [plain.hex().upper().encode()]
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + plain)
        found.append(encoded[4 if shift else 0 : len(encoded) - 4])  # without what its neighbours decide
    return found


def in_files(folder: Path, needles: Sequence[bytes]) -> Iterator[Path]:
    """Files below the folder that hold a needle; snapshots are looked at unpacked."""
    longest = max(map(len, needles))
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and any(_hit(block, needles) for block in _blocks(path, longest)):
                yield path
        except FileNotFoundError:  # servers rename and delete their files
            continue


def _blocks(path: Path, longest: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        for begin, end in _written(file.fileno()):
            file.seek(begin)
            tail = b""
            while block := file.read(min(_BLOCK, end - file.tell())):
                if begin == 0 and block.startswith(SNAPSHOT):
                    yield zlib.decompressobj().decompress(block[len(SNAPSHOT) :])
                yield tail + block
                tail = block[-longest:]


def _written(descriptor: int) -> Iterator[tuple[int, int]]:
    """Where the file has data: indexes of Kafka are holes for the most part."""
    end = 0
    while True:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:  # nothing but a hole up to its end
            return
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        yield begin, end


def _hit(block: bytes, needles: Sequence[bytes]) -> bool:
    return any(needle in block for needle in needles)


async def in_tables(url: str, needles: Sequence[bytes]) -> list[str]:
    """Tables with a row that holds a needle in the text form of any column (bytes are hex there)."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CHECKPOINT")
        names = await connection.fetch(
            "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        hit = []
        for (name,) in names:
            rows = await connection.fetch(f"SELECT t::text FROM {name} AS t")
            if any(_hit(str(row[0]).encode(), needles) for row in rows):
                hit.append(str(name))
        return hit
    finally:
        await connection.close()
