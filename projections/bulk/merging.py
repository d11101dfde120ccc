"""Two ordered sequences of rows walked side by side: what is different, column by column."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

Fields = Mapping[str, Any]


class Difference(Struct, frozen=True, kw_only=True):
    """A value that the live row has and the log does not give; `column` is "" for a row that is on one side only.

    `key` is the row's primary key. Of a whole row `live` and `log` say whether it is there.
    """

    table: str
    key: tuple[Any, ...]
    column: str
    live: Any
    log: Any


async def differences(
    table: str, key: Sequence[str], live: AsyncIterator[Fields], log: AsyncIterator[Fields]
) -> AsyncIterator[list[Difference]]:
    """For each key that either side has, in their common order, its differences; none for rows that are equal."""
    left, right = await anext(live, None), await anext(log, None)
    while left is not None or right is not None:
        mine, theirs = _key(left, key), _key(right, key)
        if theirs is None or (mine is not None and mine < theirs):
            yield [Difference(table=table, key=mine or (), column="", live=True, log=False)]
            left = await anext(live, None)
        elif mine is None or theirs < mine:
            yield [Difference(table=table, key=theirs, column="", live=False, log=True)]
            right = await anext(log, None)
        else:
            yield _columns(table, mine, left or {}, right or {})
            left, right = await anext(live, None), await anext(log, None)


def _key(row: Fields | None, key: Sequence[str]) -> tuple[Any, ...] | None:
    return None if row is None else tuple(row[column] for column in key)


def _columns(table: str, key: tuple[Any, ...], live: Fields, log: Fields) -> list[Difference]:
    return [
        Difference(table=table, key=key, column=column, live=live.get(column), log=log.get(column))
        for column in sorted(live.keys() | log.keys())
        if live.get(column) != log.get(column)
    ]
