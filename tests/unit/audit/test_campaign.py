"""A thousand ways to falsify a ledger, each of them found and named."""

from __future__ import annotations

from random import Random

import pytest

from infra.audit.auditor import Result
from tests.unit.audit.mutations import MUTATIONS, Falsified, Original, forged, number_of
from tests.unit.audit.recorded import Ledger, Signer, audit, busy_ledger

SEED = 20_261_124
UNSIGNED = 12  # events behind the last checkpoint
SIGNER = Signer()


@pytest.fixture(scope="module")
def original() -> Original:
    """A ledger with every kind of event, under three checkpoints, whose last events are not signed yet."""
    ledger = busy_ledger()
    whole = sum(map(len, ledger.values()))
    ends = [whole // 3, whole // 2, whole - UNSIGNED]
    return Original(ledger=ledger, checkpoints=SIGNER.checkpoints(ledger, ends), sealed=ends[-1])


def judged(case: Falsified) -> Result:
    return audit(case.ledger, case.checkpoints, SIGNER.keys)


def test_the_campaign_is_large_enough() -> None:
    assert sum(times for times, _ in MUTATIONS.values()) >= 1_000


def test_what_was_not_touched_is_clean(original: Original) -> None:
    result = audit(original.ledger, original.checkpoints, SIGNER.keys)
    assert result.findings == []
    assert (result.confirmed, result.kept_only, result.signed) == (3, 0, original.sealed)
    assert result.last == result.events == original.sealed + UNSIGNED


@pytest.mark.parametrize("kind", MUTATIONS)
def test_every_falsification_is_found_and_named(kind: str, original: Original) -> None:
    times, mutate = MUTATIONS[kind]
    random = Random(f"{SEED}-{kind}")
    for number in range(times):
        case = mutate(random, original)
        lines = [str(finding) for finding in judged(case).findings]
        assert any(name in line for name in case.names for line in lines), (number, case.what, case.names, lines[:5])


def cut_to(ledger: Ledger, last: int) -> Ledger:
    return {place: [raw for raw in records if number_of(raw) <= last] for place, records in ledger.items()}


@pytest.mark.parametrize("left", range(UNSIGNED))
def test_a_tail_that_nobody_signed_can_be_cut_without_a_trace(left: int, original: Original) -> None:
    shorter = cut_to(original.ledger, original.sealed + left)
    result = audit(shorter, original.checkpoints, SIGNER.keys)
    assert result.last == original.sealed + left
    assert result.rules.keys() <= {"quota"}  # a cut through a transaction leaves a task that ended unsettled


def test_a_tail_that_nobody_signed_can_be_rewritten_without_a_trace(original: Original) -> None:
    result = audit(forged(original.ledger, original.sealed + 1), original.checkpoints, SIGNER.keys)
    assert result.findings == []


def test_without_checkpoints_a_rewritten_ledger_passes(original: Original) -> None:
    assert audit(forged(original.ledger, 5)).findings == []
    assert audit(forged(original.ledger, 5), original.checkpoints, SIGNER.keys).rules == {"root": 3}
