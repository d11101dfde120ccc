"""Which records of a batch are new."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.cursors import Cursor
from projections.selection import Delivered, GapError, Selection, select
from schemas.envelope import Stamp
from schemas.tasks import TaskCancelled

START = Cursor(topic="tasks", partition=0)


def record(offset: int, partition_seq: int) -> Delivered:
    stamp = Stamp(partition_seq=partition_seq, shard_seq=partition_seq * 10)
    return Delivered(offset=offset, record=TaskCancelled(stamp=stamp))


def poison(offset: int) -> Delivered:
    return Delivered(offset=offset, value=b"?", error="undecodable")


def taken(selection: Selection) -> list[int]:
    return [item.record.stamp.partition_seq for item in selection.accepted if item.record]


def test_new_records_move_the_position() -> None:
    found = select(START, [record(0, 1), record(2, 2)], compacted=False)
    assert taken(found) == [1, 2]
    assert (found.cursor.partition_seq, found.cursor.shard_seq, found.cursor.next_offset) == (2, 20, 3)


def test_repeated_records_are_skipped_but_not_read_again() -> None:
    cursor = select(START, [record(0, 1), record(1, 2)], compacted=False).cursor
    again = select(cursor, [record(0, 1), record(5, 1), record(6, 2), record(7, 3)], compacted=False)
    assert taken(again) == [3]
    assert again.cursor.next_offset == 8


def test_a_missing_record_is_noticed() -> None:
    with pytest.raises(GapError, match="partition_seq 3 at offset 4"):
        select(START, [record(0, 1), record(4, 3)], compacted=False)


def test_compaction_leaves_holes() -> None:
    assert taken(select(START, [record(3, 4), record(9, 8)], compacted=True)) == [4, 8]


def test_poison_explains_as_many_holes_as_there_is_poison() -> None:
    found = select(START, [record(0, 1), poison(1), record(2, 3)], compacted=False)
    assert taken(found) == [1, 3]
    assert [item.offset for item in found.undecodable] == [1]
    assert found.cursor.undecodable == 0
    with pytest.raises(GapError):
        select(START, [record(0, 1), poison(1), record(2, 4)], compacted=False)
    foreign = select(START, [record(0, 1), poison(1), record(2, 2), record(3, 3)], compacted=False)
    assert taken(foreign) == [1, 2, 3]


def test_poison_has_no_number_so_it_moves_the_position_only_where_nothing_can_be_missing() -> None:
    with pytest.raises(GapError):  # a database that was lost, and the live reader goes on far behind its beginning
        select(START, [poison(40)], compacted=False)
    with pytest.raises(GapError):
        select(START, [record(0, 1), poison(2)], compacted=False)
    assert select(START, [record(0, 1), poison(2)], compacted=False, whole=True).cursor.next_offset == 3
    assert select(START, [record(0, 1), poison(1), poison(2)], compacted=False).cursor.next_offset == 3


@given(st.integers(1, 30), st.data())
def test_any_way_of_delivering_in_order_applies_each_record_once(count: int, data: st.DataObject) -> None:
    log = [record(offset * 2, offset + 1) for offset in range(count)]
    cursor, seen, at = START, [], 0
    while at < count:
        back = data.draw(st.integers(0, at))
        end = data.draw(st.integers(at + 1, count))
        found = select(cursor, log[back:end], compacted=False)
        seen += taken(found)
        cursor, at = found.cursor, end
    assert seen == list(range(1, count + 1))
