"""The mark of the ledger's end: numbers whose records expired are not given again."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from immutables import Map

from schemas.errors import ContractError
from schemas.snapshots import SnapshotRef
from streams.ledger import Heads
from streams.recovery import Recovered, check_positions
from streams.snapshots.marks import mark_of, settled

TASKS, DECISIONS, SLOT = ("tasks", 0), ("decisions", 0), ("render.commands", 3)
Bounds = dict[TopicPartition, int]


def written() -> Recovered:
    """Ten records: six tasks, three decisions and, last of all, a command; each in a transaction of its own."""
    heads = Heads(
        shard_seq=10,
        partition_seqs=Map({TASKS: 6, DECISIONS: 3, SLOT: 1}),
        prev_hash=b"h" * 32,
        requests_position=40,
        reports_position=7,
    )
    return Recovered(heads=heads, positions={TASKS: 11, DECISIONS: 5, SLOT: 1})


def found_again() -> Recovered:
    """What a fold finds of it after decisions and commands have expired."""
    heads = Heads(shard_seq=8, partition_seqs=Map({TASKS: 6}), prev_hash=b"g" * 32, requests_position=38)
    return Recovered(heads=heads, positions={TASKS: 11})


def bounds(tasks: tuple[int, int], decisions: tuple[int, int], slot: tuple[int, int]) -> tuple[Bounds, Bounds]:
    places = [TopicPartition(*key) for key in (TASKS, DECISIONS, SLOT)]
    both = list(zip(places, (tasks, decisions, slot), strict=True))
    return {place: pair[0] for place, pair in both}, {place: pair[1] for place, pair in both}


EXPIRED = bounds((0, 12), (6, 6), (2, 2))


def test_the_mark_stands_for_records_that_expired() -> None:
    mark = mark_of(written(), [])
    assert settled(found_again(), mark, *EXPIRED).heads == written().heads


def test_an_older_mark_changes_nothing_that_was_found() -> None:
    older = mark_of(found_again(), [SnapshotRef(key="k")])
    whole = bounds((0, 12), (0, 6), (0, 2))
    assert settled(written(), older, *whole) == written()


def test_without_a_mark_the_numbers_of_expired_records_are_passed_over() -> None:
    heads = settled(found_again(), None, *EXPIRED).heads
    assert heads.shard_seq >= written().heads.shard_seq
    assert heads.partition_seqs[DECISIONS] >= 3
    assert heads.partition_seqs[SLOT] >= 1
    assert heads.prev_hash == found_again().heads.prev_hash


def test_records_after_the_mark_that_expired_are_passed_over() -> None:
    mark = mark_of(written(), [])
    heads = settled(found_again(), mark, *bounds((0, 12), (10, 10), (2, 2))).heads
    assert heads.shard_seq >= 10 + 2, "two more transactions wrote a decision each"


def test_nothing_is_passed_over_while_the_newest_record_is_there() -> None:
    heads = settled(found_again(), mark_of(written(), []), *bounds((0, 12), (10, 14), (2, 2))).heads
    assert heads.shard_seq == 10


def test_a_log_that_lost_records_of_a_lasting_topic_is_refused() -> None:
    short = Recovered(heads=Heads(shard_seq=5, partition_seqs=Map({TASKS: 4})), positions={TASKS: 7})
    with pytest.raises(ContractError, match=r"tasks\[0\] ends with partition_seq 4 but 6 was written"):
        settled(short, mark_of(written(), []), *EXPIRED)


@pytest.mark.parametrize("tasks", [(0, 10), (12, 30)], ids=["ends before", "begins behind"])
def test_a_snapshot_that_the_log_does_not_reach_is_refused(tasks: tuple[int, int]) -> None:
    with pytest.raises(ContractError, match=r"tasks\[0\] holds .* a snapshot was made at 11"):
        check_positions(written(), *bounds(tasks, (6, 6), (2, 2)))
    check_positions(written(), *EXPIRED)


def test_a_mark_says_where_every_partition_ends() -> None:
    mark = mark_of(written(), [SnapshotRef(key="k", shard_seq=10)])
    assert {(head.topic, head.partition): head.partition_seq for head in mark.partitions} == dict(
        written().heads.partition_seqs
    )
    assert (mark.shard_seq, mark.prev_hash, mark.requests_position) == (10, b"h" * 32, 40)
