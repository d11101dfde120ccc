"""The agenda of due times, and the ready queue, against the simplest thing that does the same."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from streams.domain.agenda import Agenda
from streams.domain.queue import ReadyQueue, StageKey, by_turn, first_of
from tests.deciding import NOON

changes = st.lists(st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 20))), max_size=80)


@given(changes, st.integers(-1, 21))
def test_an_agenda_knows_its_earliest_entry_and_what_is_due(steps: list[tuple[int, int | None]], now: int) -> None:
    agenda, simple = Agenda(), dict[StageKey, datetime]()
    for number, second in steps:
        key = (f"t{number}", "")
        if second is None:
            agenda = agenda.remove(key)
            simple.pop(key, None)
        else:
            simple[key] = NOON + timedelta(seconds=second)
            agenda = agenda.add(key, simple[key])
        assert len(agenda) == len(simple)
        assert agenda.first == min(((at, key) for key, at in simple.items()), default=None)
    until = NOON + timedelta(seconds=now)
    assert agenda.due(until) == sorted((at, key) for key, at in simple.items() if at <= until)
    assert all(key in agenda for key in simple)


def test_an_older_agenda_stays_as_it_was() -> None:
    before = Agenda().add(("a", ""), NOON)
    before.add(("b", ""), NOON - timedelta(seconds=1)).remove(("a", ""))
    assert before.first == (NOON, ("a", ""))
    assert len(before) == 1


entries = st.tuples(st.integers(0, 15), st.sampled_from([1, 5, 9]), st.sampled_from("abc"), st.sampled_from("xyz"))


@given(st.lists(st.tuples(st.booleans(), entries), max_size=80), st.sets(st.sampled_from("xyz"), min_size=1))
def test_a_device_finds_the_first_of_an_account_that_it_can_do(
    steps: list[tuple[bool, tuple[int, int, str, str]]], engines: set[str]
) -> None:
    queue, simple = ReadyQueue(), dict[StageKey, tuple[int, str, str]]()
    for add, (number, priority, account, engine) in steps:
        key = (f"t{number}", engine)
        if add:
            queue = queue.add(key, priority, account, engine)
            simple.setdefault(key, (priority, account, engine))
        else:
            queue = queue.remove(key)
            simple.pop(key, None)
    assert len(queue) == len(simple)
    assert queue.serves(engines) == any(engine in engines for _, _, engine in simple.values())
    for priority, accounts in queue.lanes.items():
        for account, lanes in accounts.items():
            mine = [k for k, (p, a, e) in simple.items() if (p, a) == (priority, account) and e in engines]
            assert first_of(lanes, engines) == (mine[0] if mine else None)
    for engine in "xyz":
        firsts: dict[tuple[int, str], StageKey] = {}
        for key, (priority, account, kind) in simple.items():
            if kind == engine:
                firsts.setdefault((priority, account), key)
        assert queue.oldest(engine) == list(firsts.values())


def test_the_account_served_longest_ago_comes_first() -> None:
    queue = ReadyQueue()
    for account in "cab":
        queue = queue.add((account, "s"), 5, account, "x")
    turns = [first_of(lanes, "x") for lanes in by_turn(queue.lanes[5], Map({"a": 7, "c": 3}))]
    assert turns == [("b", "s"), ("c", "s"), ("a", "s")]
