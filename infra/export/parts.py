"""The files that an export is writing: one a day and kind, hidden until they are whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from infra.export.entry import Entry
from infra.export.manifest import HIDDEN, PART, PartFile, sha256_of, sync


class PartWriter(Protocol):
    """One file in the making."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Add records of one partition in the order of their offsets."""

    def close(self) -> None:
        """Write what is buffered and the end of the file."""


class Format(Protocol):
    """How records become files."""

    name: str
    suffix: str

    def kind_of(self, entry: Entry) -> str:
        """Records of different kinds go to different files; "" where one kind of file holds all."""

    def open(self, path: Path, first: Entry) -> PartWriter:
        """Begin a file for records like `first`."""

    def schemas(self) -> dict[int, str]:
        """Texts of the schemas that the files need beside themselves, by id."""


class _Open:
    def __init__(self, writer: PartWriter, path: Path, first: Entry) -> None:
        self.writer = writer
        self.path = path
        self.first = first
        self.last = first.offset
        self.records = 0


class Parts:
    """Open files of one partition since the last commit; `records` and `size` (bytes of keys and values) grow till then."""

    def __init__(self, folder: Path, made_by: Format) -> None:
        self._folder = folder
        self._format = made_by
        self._open: dict[tuple[str, str], _Open] = {}
        self.records = 0
        self.size = 0

    @property
    def files(self) -> int:
        """How many files are open."""
        return len(self._open)

    def add(self, entries: Sequence[Entry]) -> None:
        """Append records of one partition, grouped by day and kind."""
        groups: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            groups.setdefault((entry.date, self._format.kind_of(entry)), []).append(entry)
        for key, group in groups.items():
            part = self._open.get(key) or self._begin(key, group[0])
            part.writer.write(group)
            part.last, part.records = group[-1].offset, part.records + len(group)
        self.records += len(entries)
        self.size += sum(entry.size for entry in entries)

    def finish(self) -> list[PartFile]:
        """Close all files and give them their names; durable when this returns."""
        done = [self._publish(part) for part in self._open.values()]
        self._open, self.records, self.size = {}, 0, 0
        for folder in {(self._folder / file.path).parent for file in done}:
            sync(folder)
        return done

    def _begin(self, key: tuple[str, str], first: Entry) -> _Open:
        date, kind = key
        folder = self._folder / first.topic / f"date={date}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{PART}{first.partition:05}-{first.offset:012}{f'-{kind}' if kind else ''}{self._format.suffix}"
        part = _Open(self._format.open(folder / (HIDDEN + name), first), folder / name, first)
        self._open[key] = part
        return part

    def _publish(self, part: _Open) -> PartFile:
        part.writer.close()
        hidden = part.path.with_name(HIDDEN + part.path.name)
        sync(hidden)
        file = PartFile(
            path=str(part.path.relative_to(self._folder)),
            topic=part.first.topic,
            partition=part.first.partition,
            first=part.first.offset,
            last=part.last,
            records=part.records,
            size=hidden.stat().st_size,
            sha256=sha256_of(hidden),
        )
        os.replace(hidden, part.path)
        return file
