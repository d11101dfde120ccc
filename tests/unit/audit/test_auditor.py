"""The audit over sound, old and partly read ledgers: what is in order is clean, what was never legal is named."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

import streams.ledger
from infra.audit import records, transitions
from infra.audit.auditor import Auditor, Span
from infra.audit.chain import TERMINAL
from infra.audit.events import Place, Raw
from infra.audit.seals import is_kept
from schemas.entities import DeviceChanged
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaCommitted, QuotaReserved
from schemas.render import LeaseGranted
from schemas.tasks import StageCompleted, StageDispatched, TaskCompleted
from schemas.topics import BY_NAME
from tests.faults.simulation import transitions as owners
from tests.faults.simulation.bugs import BUGS
from tests.faults.simulation.owner import CODEC, Rules
from tests.faults.simulation.world import World
from tests.unit.audit.recorded import Ledger, Signer, audit, bounds_of, busy_ledger, in_order, of_world, rechained

SIGNER = Signer()
MOST_SEEDS = 30  # within which a planted bug must show
FOUND = (
    "dispatched twice",
    "no release on cancel",
    "never reserved",
    "completed before all stages",
    "limits ignored",
    "one slot for all",
    "epochs do not grow",
    "dependencies ignored",
    "retried at once",
)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return busy_ledger()


def world_of(seed: int, rules: Rules) -> World:
    """A history full of faults; one that a bug ends early is taken as far as it came."""
    world = World(seed, rules, 50, 10)
    with contextlib.suppress(KeyError, ValueError, AssertionError):
        world.run()
    return world


def test_the_rules_are_those_of_the_writer() -> None:
    assert (records.SOURCE, records.GENESIS) == (streams.ledger.SOURCE, streams.ledger.GENESIS)
    assert streams.ledger.TERMINAL == TERMINAL
    assert {s: t for s, t in transitions.STAGE.items() if s != "unknown"} == owners.STAGE
    told = {s: t for s, t in transitions.TASK.items() if s not in ("unknown", "rejected")}
    assert told == {s: t for s, t in owners.TASK.items() if s != "rejected"}


@pytest.mark.parametrize("seed", range(200, 210))
def test_histories_full_of_faults_are_clean(seed: int) -> None:
    ledger = of_world(world_of(seed, Rules()))
    whole = sum(map(len, ledger.values()))
    checkpoints = SIGNER.checkpoints(ledger, [whole // 3, whole // 2])
    result = audit(ledger, checkpoints, SIGNER.keys)
    assert (result.findings, result.confirmed) == ([], 2)


@pytest.mark.parametrize("bug", FOUND)
def test_what_a_wrong_coordinator_wrote_is_found(bug: str) -> None:
    for seed in range(1, MOST_SEEDS + 1):
        if audit(of_world(world_of(seed, Rules(**BUGS[bug]())))).findings:
            return
    pytest.fail(f"{MOST_SEEDS} histories passed although {bug}")


@pytest.mark.parametrize(
    ("kind", "fields", "rule"),
    [
        (QuotaReserved, {"amount": 2}, "quota"),
        (QuotaCommitted, {"task_id": "somebody"}, "quota"),
        (StageDispatched, {"attempt": 7}, "stage"),
        (StageDispatched, {"epoch": 9}, "lease"),
        (StageCompleted, {"stage_id": "shot-99"}, "stage"),
        (TaskCompleted, {"task_id": "somebody"}, "task"),
        (LeaseGranted, {"slot": 5}, "partition"),
        (DeviceChanged, {"epoch": -1}, "device"),
    ],
)
def test_an_illegal_event_in_a_sound_chain_is_named(
    kind: type[LedgerRecord], fields: dict[str, Any], rule: str, ledger: Ledger
) -> None:
    last = [raw for raw in in_order(ledger) if isinstance(CODEC.decode(raw.value), kind)][-1]
    number = CODEC.decode_as(last.value, kind).stamp.shard_seq

    def lie(record: LedgerRecord) -> LedgerRecord:
        return replace(record, **fields) if record.stamp.shard_seq == number else record

    found = [(f.topic, f.offset, f.rule) for f in audit(rechained(ledger, lie)).findings]
    assert (last.topic, last.offset, rule) in found


def expired(ledger: Ledger, before: int) -> tuple[Ledger, dict[Place, int]]:
    """The ledger when retention has taken what is older than a number, and compaction all but the last of each key."""
    kept: Ledger = {}
    begins: dict[Place, int] = {}
    for place, raws in ledger.items():
        kept[place] = list(raws)
        if BY_NAME[place[0]].compact:
            last = {raw.key: raw.offset for raw in raws}
            kept[place] = [raw for raw in raws if last[raw.key] == raw.offset]
        elif not is_kept(BY_NAME[place[0]]):
            kept[place] = [raw for raw in raws if CODEC.decode_as(raw.value, LedgerRecord).stamp.shard_seq >= before]
            gone = len(raws) - len(kept[place])
            begins[place] = kept[place][0].offset if kept[place] else raws[-1].offset + 1 if gone else 0
    return kept, begins


@pytest.mark.parametrize("seed", range(300, 306))
def test_an_old_log_whose_records_expired_is_clean_and_still_signed(seed: int) -> None:
    ledger = of_world(world_of(seed, Rules()))
    whole = sum(map(len, ledger.values()))
    checkpoints = SIGNER.checkpoints(ledger, [whole // 3, whole])
    for before in Random(seed).sample(range(2, whole), 4):
        kept, begins = expired(ledger, before)
        result = audit(kept, checkpoints, SIGNER.keys, begins)
        assert (result.findings, result.confirmed) == ([], 2), before
        assert result.holes > 0


def test_a_record_that_is_missing_from_an_old_log_is_told_from_expired_ones(ledger: Ledger) -> None:
    whole = sum(map(len, ledger.values()))
    kept, begins = expired(ledger, whole // 2)
    for place, raws in kept.items():
        if is_kept(BY_NAME[place[0]]) or BY_NAME[place[0]].compact:
            continue
        for at in range(1, len(raws)):
            result = audit({**kept, place: raws[:at] + raws[at + 1 :]}, (), None, begins)
            if at < len(raws) - 1:
                assert result.rules.keys() & {"partition_seq", "shard_seq"}, (place, at)


def test_records_of_a_device_that_newer_ones_replace_may_vanish(ledger: Ledger) -> None:
    place = ("devices", 0)
    checkpoints = SIGNER.checkpoints(ledger, [sum(map(len, ledger.values()))])
    assert audit({**ledger, place: ledger[place][1:]}, checkpoints, SIGNER.keys).findings == []
    assert audit({**ledger, place: ledger[place][:-1]}, checkpoints, SIGNER.keys).rules["tail"] == 1


def test_the_first_records_of_a_topic_that_keeps_everything_must_be_there(ledger: Ledger) -> None:
    place = ("quotas", 0)
    result = audit({**ledger, place: ledger[place][3:]}, begins={place: ledger[place][3].offset})
    assert {"removed", "partition_seq", "shard_seq"} <= result.rules.keys()


@pytest.mark.parametrize("seed", range(400, 404))
def test_any_span_of_time_is_clean(seed: int) -> None:
    ledger = of_world(world_of(seed, Rules()))
    times = [CODEC.decode_as(raw.value, LedgerRecord).envelope.occurred_at for raw in in_order(ledger)]
    checkpoints = SIGNER.checkpoints(ledger, [len(times) // 3, len(times) // 2, len(times)])
    for number in Random(seed).sample(range(len(times)), 8):
        result = audit(ledger, checkpoints, SIGNER.keys, span=Span(since=times[number]))
        assert (result.findings, result.events) == ([], len(times) - number)
        result = audit(ledger, checkpoints, SIGNER.keys, span=Span(until=times[number]))
        assert (result.findings, result.events) == ([], number + 1)
    later = audit(ledger, checkpoints, SIGNER.keys, span=Span(since=times[-1] + timedelta(days=1)))
    assert (later.findings, later.events) == ([], 0)


def test_a_changed_record_within_a_span_is_found(ledger: Ledger) -> None:
    raws = in_order(ledger)
    raw = raws[100]
    value = (raw.value or b"")[:-1] + bytes([(raw.value or b"")[-1] ^ 1])
    place = raw.place
    changed = {**ledger, place: [replace(r, value=value) if r == raw else r for r in ledger[place]]}
    since = CODEC.decode_as(raws[80].value, LedgerRecord).envelope.occurred_at
    assert audit(changed, span=Span(since=since)).found
    after = CODEC.decode_as(raws[120].value, LedgerRecord).envelope.occurred_at
    assert audit(ledger, span=Span(since=after)).found == 0


@pytest.mark.parametrize("seed", range(500, 504))
def test_a_ledger_that_grows_while_it_is_read_is_clean(seed: int) -> None:
    """Of what was committed after the ends were taken some partitions show more than others."""
    ledger = of_world(world_of(seed, Rules()))
    random = Random(seed)
    whole = sum(map(len, ledger.values()))
    for _ in range(10):
        end = random.randrange(1, whole)
        before = {place: [raw for raw in raws if number(raw) <= end] for place, raws in ledger.items()}
        seen = {p: raws[: random.randint(len(before[p]), len(raws))] for p, raws in ledger.items()}
        auditor = Auditor(CODEC, bounds_of(before), (), {})
        for raws in seen.values():
            for raw in raws:
                auditor.take(raw)
        result = auditor.finish()
        assert {one.rule for one in result.findings} <= {"quota"}  # if the end cut a transaction in two
        assert result.last >= end
        assert result.events + result.later == sum(map(len, seen.values()))


def number(raw: Raw) -> int:
    """Its place in the shard."""
    return CODEC.decode_as(raw.value, LedgerRecord).stamp.shard_seq
