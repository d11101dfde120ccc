"""The ledger: contiguous, chained, and enough to rebuild the state."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from schemas.envelope import LedgerRecord
from schemas.render import StageSucceededReport
from schemas.serde import HEADER, Codec, chain_hash
from schemas.topics import TOPIC_OF
from streams.domain.decider import decide, follow_up
from streams.domain.evolve import evolve
from streams.domain.state import ShardState
from streams.ledger import GENESIS, Entry, Heads, absorb, append
from tests.deciding import Shard


@pytest.fixture
def codec() -> Codec:
    return Codec({record.__name__: number for number, record in enumerate(TOPIC_OF, start=1)})


class Writer:
    """Marks what a shard decides, as the coordinator does."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.shard = Shard()
        self.heads = Heads()
        self.state = ShardState()
        self.entries: list[Entry] = []

    def write(self, drafts: list[LedgerRecord]) -> None:
        for drafted in drafts:
            self.heads, entry = append(self.heads, self.state, drafted, "cause", self.shard.now, self.codec)
            self.state = evolve(self.state, entry.record, self.shard.policy)
            self.entries.append(entry)

    def take(self, event: object) -> None:
        self.write(decide(self.state, event, self.shard.now, self.shard.policy))  # type: ignore[arg-type]
        while events := follow_up(self.state, self.shard.now, self.shard.policy):
            self.write(events)


@pytest.fixture
def writer(codec: Codec) -> Writer:
    writer = Writer(codec)
    shard = writer.shard
    for drafts in (shard.user(), shard.device(), shard.images("t1", count=2), shard.images("t2")):
        writer.write(drafts)
    for task, stage in (("t1", "shot-01"), ("t1", "shot-02"), ("t2", "shot-01")):
        writer.write(shard.succeeds(task, stage))
    return writer


def test_numbers_are_contiguous_and_times_grow(writer: Writer) -> None:
    stamps = [entry.record.stamp for entry in writer.entries]
    assert [stamp.shard_seq for stamp in stamps] == list(range(1, len(stamps) + 1))
    by_partition = defaultdict(list)
    for entry in writer.entries:
        by_partition[entry.topic, entry.partition].append(entry.record.stamp.partition_seq)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_partition.values())
    times = [entry.record.envelope.occurred_at for entry in writer.entries]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
    assert len({entry.record.envelope.event_id for entry in writer.entries}) == len(times)


def test_the_chain_shows_every_change(writer: Writer) -> None:
    previous = GENESIS
    for entry in writer.entries:
        assert entry.record.stamp.prev_hash == previous
        previous = chain_hash(previous, type(entry.record), entry.value[HEADER.size :])
    body = bytearray(writer.entries[0].value[HEADER.size :])
    body[-1] ^= 1
    assert chain_hash(GENESIS, type(writer.entries[0].record), bytes(body)) != writer.entries[1].record.stamp.prev_hash


def test_folding_the_bytes_gives_the_same_state_and_heads(writer: Writer) -> None:
    state, heads = ShardState(), Heads()
    for entry in writer.entries:
        record = writer.codec.decode(entry.value, entry.topic)
        assert isinstance(record, LedgerRecord)
        heads = absorb(heads, entry.topic, entry.partition, record)
        state = evolve(state, record, writer.shard.policy)
    assert state == writer.state
    assert heads.shard_seq == writer.heads.shard_seq
    assert heads.sequences == writer.heads.sequences
    assert heads.account_seqs == writer.heads.account_seqs


def test_commands_go_to_the_devices_slot(writer: Writer) -> None:
    slot = writer.state.devices["cpu-0"].slot
    commands = [entry for entry in writer.entries if entry.topic == "render.commands"]
    assert {entry.partition for entry in commands} == {slot}
    assert {entry.key for entry in commands} == {"cpu-0"}


def test_sequences_of_ended_tasks_are_let_go(writer: Writer) -> None:
    assert not any(name.startswith("tasks:") for name in writer.heads.sequences)


def test_reports_of_another_run_are_no_longer_known(writer: Writer) -> None:
    writer.take(StageSucceededReport(task_id="t1", stage_id="shot-01", attempt=1, epoch=1, device_id="cpu-0"))
    assert writer.entries[-1].record.envelope.causation_id == "cause"
    assert not any(name.startswith("tasks:") for name in writer.heads.sequences)
