"""Two ordered tables walked side by side, shares of aggregates, and what a person is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.bulk.ahead import ahead
from projections.bulk.merging import Difference, differences
from projections.bulk.sample import Share, in_sample
from projections.cli import told
from projections.migrate import definition
from schemas.topics import TOPIC_OF
from tests.unit.projections.ledger import Ledger

TABLES = st.dictionaries(st.tuples(st.text("ab", max_size=2), st.integers(0, 3)), st.integers(0, 1), max_size=12)


async def stream(rows: Iterable[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for row in rows:
        yield row


def rows_of(table: dict[tuple[str, int], int]) -> AsyncIterator[dict[str, Any]]:
    return stream({"name": key[0], "number": key[1], "value": table[key]} for key in sorted(table))


@given(TABLES, TABLES)
async def test_every_key_of_either_side_is_looked_at_once(
    live: dict[tuple[str, int], int], log: dict[tuple[str, int], int]
) -> None:
    pairs = [pair async for pair in differences("t", ["name", "number"], rows_of(live), rows_of(log))]
    assert len(pairs) == len(live.keys() | log.keys())
    found = {item.key: (item.column, item.live, item.log) for pair in pairs for item in pair}
    expected: dict[tuple[str, int], tuple[str, Any, Any]] = {}
    for key in live.keys() | log.keys():
        if key not in log:
            expected[key] = ("", True, False)
        elif key not in live:
            expected[key] = ("", False, True)
        elif live[key] != log[key]:
            expected[key] = ("value", live[key], log[key])
    assert found == expected


@given(st.text(), st.integers(1, 50), st.integers(0, 2**32))
def test_every_aggregate_is_in_one_share(key: str, parts: int, rest: int) -> None:
    shares = [Share(parts=parts, rest=rest + n) for n in range(parts)]
    assert sum(share.holds(key) for share in shares) == 1


def test_an_aggregate_is_in_a_sample_with_all_its_events_or_none() -> None:
    ledger = Ledger()
    histories = [ledger.image(f"t{n}", f"account-{n}") for n in range(40)]
    shares = {"tasks": Share(parts=3, rest=1), "quotas": Share(parts=2)}
    for topic, parts in (("tasks", 3), ("quotas", 2)):
        picked = [{in_sample(shares, e) for e in h if TOPIC_OF[type(e)].name == topic} for h in histories]
        assert all(len(each) == 1 for each in picked)
        assert 0 < sum(each == {True} for each in picked) < 40 / parts * 2


def test_a_difference_names_row_column_and_both_values() -> None:
    value = Difference(table="quota_usage", key=("ann", "images", "2026-01-01"), column="used", live=3, log=2)
    assert told(value) == "quota_usage ann/images/2026-01-01 used: live 3, log 2"
    row = Difference(table="tasks", key=("t",), column="", live=False, log=True)
    assert told(row) == "tasks t: the row is missing, the log has it"


class Source:
    """Numbers up to `count`, then `error` if there is one; remembers what it made and whether it was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.made: list[int] = []
        self.closed = False
        self._count, self._error = count, error

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self._count):
                self.made.append(number)
                yield number
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


@given(st.integers(0, 6), st.booleans())
async def test_the_next_item_is_made_while_one_is_used_and_no_more(count: int, fails: bool) -> None:
    source, used = Source(count, ValueError("torn") if fails else None), list[int]()
    error = None
    async with aclosing(ahead(source.items())) as items:
        try:
            async for item in items:
                used.append(item)
                await asyncio.sleep(0)
                assert len(source.made) == min(count, len(used) + 1)
        except ValueError as raised:
            error = raised
    assert used == list(range(count))
    assert (error is not None) == fails
    assert source.closed


async def test_a_user_who_gives_up_closes_the_source() -> None:
    source = Source(5, ValueError("torn"))

    async def give_up() -> None:
        async with aclosing(ahead(source.items())) as items:
            async for item in items:
                raise KeyError(item)

    with pytest.raises(KeyError):
        await give_up()
    assert source.closed
    assert len(source.made) < 5


def test_the_definition_can_be_made_under_another_name_as_a_whole() -> None:
    text = definition("elsewhere")
    assert "read_models" not in "".join(line.partition("--")[0] for line in text.splitlines())
    assert text.count("elsewhere.") == definition().count("read_models.")
