"""Snapshots: any state comes back as it was, and what is damaged or of another log is refused."""

from __future__ import annotations

import struct
import types
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from schemas.errors import ContractError
from schemas.serde import HEADER, chain_hash
from streams.domain.evolve import evolve
from streams.domain.state import ShardState, TaskState
from streams.ledger import Heads, absorb
from streams.recovery import Recovered
from streams.snapshots.encoding import assemble, pieces
from streams.snapshots.format import MAGIC, Identity, Saved, pack, unpack
from tests.faults.simulation.owner import POLICY, Rules
from tests.faults.simulation.world import World

IDENTITY = Identity.here("cluster", {"tasks": "id-1", "quotas": "id-2"}, 0)
words = st.text(max_size=6)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: words,
    bytes: st.binary(max_size=40),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotated type, as the state is made of."""
    if kind in SCALARS:
        return SCALARS[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, Union}:
        return st.one_of(*map(any_of, arguments))
    if origin is Map:
        return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=3).map(Map)
    if origin is tuple and arguments[-1] is ...:
        return st.lists(any_of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(any_of, arguments))
    if origin in {list, frozenset}:
        return st.lists(any_of(arguments[0]), max_size=2).map(origin)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    if issubclass(kind, Struct):
        return st.deferred(lambda: st.builds(kind, **{n: any_of(k) for n, k in get_type_hints(kind).items()}))
    raise TypeError(f"no values of {kind}")


@given(any_of(Saved), st.sampled_from([0, 1, 64]))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_state_comes_back_as_it_was(saved: Saved, inline: int) -> None:
    again = assemble(pieces(saved, inline), Saved)
    assert again == saved
    assert type(again.state) is ShardState
    assert all(type(task) is TaskState for task in again.state.tasks.values())


def test_large_maps_are_cut_into_small_pieces() -> None:
    made = Map({f"{n:036d}": n for n in range(50_000)})
    heads = Heads(sequences=made, account_seqs=Map({"one": 1}))
    found = list(pieces(heads))
    assert max(map(len, found)) < 200_000
    assert len(found) > 10
    assert assemble(found, Heads) == heads


def folded_world(seed: int) -> World:
    world = World(seed, Rules(), requests=40, faults=8)
    assert not world.run()
    return world


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_fold_that_goes_on_from_a_snapshot_equals_one_from_zero(seed: int) -> None:
    world = folded_world(seed)
    entries = world.log.entries
    found, whole, cut = Recovered(), Recovered(), len(entries) * seed // 8
    for number, entry in enumerate(entries):
        if number == cut:
            found = unpack(b"".join(pack(found, IDENTITY)), IDENTITY)
        found, whole = _fold(found, entry), _fold(whole, entry)
    assert found == whole
    assert world.owner is not None
    assert found.state == world.owner.state


def _fold(found: Recovered, entry: Any) -> Recovered:
    heads = absorb(found.heads, entry.topic, entry.partition, entry.record)
    body = entry.value[HEADER.size :]
    heads = replace(heads, prev_hash=chain_hash(entry.record.stamp.prev_hash, type(entry.record), body))
    positions = {**found.positions, (entry.topic, entry.partition): entry.record.stamp.partition_seq}
    return Recovered(state=evolve(found.state, entry.record, POLICY), heads=heads, positions=positions)


@pytest.fixture(scope="module")
def packed() -> bytes:
    world = folded_world(3)
    assert world.owner is not None
    return b"".join(pack(Recovered(state=world.owner.state, heads=world.owner.heads), IDENTITY))


def test_no_flipped_bit_changes_the_state_and_every_cut_is_noticed(packed: bytes) -> None:
    whole = unpack(packed, IDENTITY)
    for place in range(0, len(packed), max(1, len(packed) // 150)):
        flipped = bytearray(packed)
        flipped[place] ^= 1 << place % 8
        with pytest.raises(ContractError):
            unpack(packed[:place], IDENTITY)
        with suppress(ContractError):
            assert unpack(bytes(flipped), IDENTITY) == whole, "the bits that fill zlib's last byte say nothing"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cluster_id": "other"}, "cluster_id"),
        ({"topic_ids": {"tasks": "new", "quotas": "id-2"}}, "topic_ids"),
        ({"fold": "older rules"}, "fold"),
        ({"format": 0}, "format"),
        ({"shard": 1}, "shard"),
    ],
)
def test_a_snapshot_of_another_log_or_fold_is_refused(packed: bytes, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ContractError, match=named):
        unpack(packed, replace(IDENTITY, **change))


def test_a_snapshot_with_unknown_shape_is_refused() -> None:
    def file(*framed: bytes) -> bytes:
        return MAGIC + zlib.compress(b"".join(struct.pack(">I", len(part)) + part for part in framed))

    identity = next(iter(pieces(IDENTITY)))
    for pieces_of_it in ([], [b"\x81\xa5state\x01"], [b"\xc1"], [b"\x80", b"\x92\x01\x90"]):
        with pytest.raises(ContractError):
            unpack(file(identity, *pieces_of_it), IDENTITY)


def test_what_cannot_be_saved_is_an_error_and_not_lost() -> None:
    class Odd(Struct):
        callback: Callable[[], None] | None = None
        extra: object = None

    with pytest.raises(TypeError, match="object"):
        list(pieces(Odd(extra=object())))


def reachable(kind: Any, seen: set[type[Struct]]) -> set[type[Struct]]:
    """All Structs that a value of the type may hold."""
    for argument in get_args(kind):
        reachable(argument, seen)
    if isinstance(kind, type) and issubclass(kind, Struct) and kind not in seen:
        seen.add(kind)
        for part in get_type_hints(kind).values():
            reachable(part, seen)
    return seen


def test_nothing_that_a_person_wrote_is_saved_in_clear() -> None:
    """Prompts, names and keys of uploads are parts of specs, which only their ciphertext (`sealed`, bytes) represents."""
    kinds = reachable(Saved, set())
    assert len(kinds) > 10
    assert "schemas.specs" not in {kind.__module__ for kind in kinds}
    fields = {name for kind in kinds for name in kind.__struct_fields__}
    assert not fields & {"prompt", "negative_prompt", "text", "script", "name", "description", "email", "image_key"}
