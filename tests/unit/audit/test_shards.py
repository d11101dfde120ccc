"""A log of two shards: each has a chain, numbers and signatures of its own, whoever else writes to the same topics."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from infra.audit.auditor import Result
from infra.audit.events import Raw, Shard
from infra.audit.sealing import Sealer
from schemas.envelope import LedgerRecord
from schemas.topics import BY_NAME, CHECKPOINTS, RENDER_COMMANDS, TASKS
from tests.faults.simulation.owner import CODEC
from tests.unit.audit.recorded import NOW, Ledger, Signer, as_raw, audit, bounds_of, of_town
from tests.unit.faults.town import Town

SHARDS = [Shard(0, 2), Shard(1, 2)]
SLOT = (RENDER_COMMANDS.name, 0)


def two_shards() -> Ledger:
    """Both coordinators gave their only device slot 0, so their commands lie in one partition, in turns."""
    made: Ledger = {}
    commands: list[list[Raw]] = []
    for shard, account in enumerate(("ann", "bob")):
        town = Town(shard=shard, account=account, device=f"{account}-cpu")
        town.images(f"{account}-a", 2)
        town.film(f"{account}-b")
        town.finish()
        ledger = of_town(town)
        commands.append(ledger.pop(SLOT))
        made |= ledger
    assert min(map(len, commands)) > 3
    turns = [raw for pair in zip(*commands, strict=True) for raw in pair]
    made[SLOT] = [replace(raw, offset=offset) for offset, raw in enumerate(turns)]
    return made


def of(ledger: Ledger, shard: Shard) -> Ledger:
    """The partitions that a shard's audit reads."""
    return {p: raws for p, raws in ledger.items() if p[1] == shard.number or BY_NAME[p[0]].partitions == "slots"}


def judged(ledger: Ledger, checkpoints: Sequence[Raw] = (), signer: Signer | None = None) -> list[Result]:
    keys = signer.keys if signer else None
    return [audit(of(ledger, s), [c for c in checkpoints if c.partition == s.number], keys, shard=s) for s in SHARDS]


def signed(ledger: Ledger, signer: Signer) -> list[Raw]:
    """A checkpoint of each shard over all of it."""
    made = []
    for shard in SHARDS:
        part = of(ledger, shard)
        sealer = Sealer(CODEC, bounds_of(part), None, shard=shard)
        for place, raws in part.items():
            for raw in raws:
                sealer.take(raw)
            sealer.close(place)
        sealer.advance()
        checkpoint = sealer.seal(signer.key, NOW)
        assert checkpoint is not None
        assert checkpoint.shard == shard.number
        made.append(as_raw(checkpoint, 0))
    return made


def test_every_shard_is_judged_and_signed_by_itself() -> None:
    ledger, signer = two_shards(), Signer()
    results = judged(ledger, signed(ledger, signer), signer)
    assert [(result.shard, result.found, result.confirmed) for result in results] == [(0, 0, 1), (1, 0, 1)]
    assert sum(result.events for result in results) == sum(map(len, ledger.values()))
    assert [result.last for result in results] == [result.events for result in results] == [r.signed for r in results]


@pytest.mark.parametrize("shard", [0, 1])
def test_what_is_missing_in_one_shard_is_named_there_and_the_other_is_whole(shard: int) -> None:
    ledger = two_shards()
    place = (TASKS.name, shard)
    ledger[place] = [*ledger[place][:3], *ledger[place][4:]]
    results = judged(ledger)
    assert [bool(result.found) for result in results] == [shard == 0, shard == 1]
    assert {"shard_seq", "partition_seq"} <= results[shard].rules.keys()


def test_an_event_that_was_moved_to_the_other_shard_is_named_in_both() -> None:
    ledger = two_shards()
    moved = ledger[TASKS.name, 0].pop(2)
    end = ledger[TASKS.name, 1][-1].offset + 1
    ledger[TASKS.name, 1].append(replace(moved, partition=1, offset=end))
    first, second = judged(ledger)
    assert first.rules["shard_seq"] >= 1
    assert second.rules["identity"] == 1


def test_a_command_cannot_be_passed_off_as_the_other_shard_s() -> None:
    """It would be nobody's otherwise: each audit passes over what names another shard in a partition they share."""
    ledger = two_shards()
    index, victim = next(
        (n, raw) for n, raw in enumerate(ledger[SLOT]) if CODEC.decode_as(raw.value, LedgerRecord).stamp.shard == 0
    )
    record = CODEC.decode_as(victim.value, LedgerRecord)
    for named in (1, 2):
        forged = replace(record, stamp=replace(record.stamp, shard=named))
        ledger[SLOT][index] = replace(victim, value=CODEC.encode(forged))
        first, second = judged(ledger)
        assert first.found
        assert second.rules["identity"] == 1


def test_a_checkpoint_of_another_shard_is_none() -> None:
    ledger, signer = two_shards(), Signer()
    first, second = signed(ledger, signer)
    swapped = [replace(second, partition=0), replace(first, partition=1)]
    for result in judged(ledger, swapped, signer):
        assert result.rules == {"checkpoint": 1}
        assert result.findings[0].topic == CHECKPOINTS.name
