"""What an operator would ask a system after such a run: `projections diff`, `log checkpoint` and `log verify`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Sequence

from msgspec import Struct

from infra.audit.auditing import audit_log
from infra.audit.auditor import Result, Span
from infra.audit.events import Finding
from infra.audit.writing import write_checkpoint
from infra.keystore import open_keystore
from infra.settings import Settings
from projections.bulk.compare import Compared, compare
from projections.bulk.merging import Difference
from projections.cli import told
from projections.unsealing import keystore_unseal
from schemas.errors import ContractError
from schemas.topics import LEDGER_TOPICS
from tests.faults.checker.violations import EventRef, Violation
from tests.faults.harness.journal import Poison

_LEDGER = {topic.name for topic in LEDGER_TOPICS}
_UNREADABLE = ("schema", "bytes")  # rules of the audit that a record breaks which nobody can decode


class Proofs(Struct, frozen=True, kw_only=True):
    """Rows compared and differing; events audited, what is wrong beside the poison, and signed checkpoints."""

    rows: int
    differing: int
    events: int
    wrong: int
    poisoned: int
    checkpoints: int
    confirmed: int

    def lines(self) -> list[str]:
        """For people."""
        wrong = f"{self.wrong:,} wrong in {self.events:,} events beside {self.poisoned:,} injected records"
        return [
            f"projections diff: {self.differing:,} rows differ of {self.rows:,}",
            f"log verify: {wrong}; {self.confirmed:,} of {self.checkpoints:,} signed checkpoints confirmed",
        ]


async def prove(settings: Settings, poison: Sequence[Poison]) -> tuple[Proofs, list[Violation]]:
    """Ask all three of a quiet system. What does not hold is a violation of I3 or I6.

    Nothing is signed over a ledger with foreign bytes, as it should be; then only earlier checkpoints are confirmed.
    """
    places = {(p.topic, p.partition, p.offset) for p in poison if p.topic in _LEDGER}
    found: list[Violation] = []
    compared = await _diff(settings, found)
    await _sign(settings, places, found)
    result = await audit_log(settings, Span())
    wrong = beside(result.findings, places)
    found += [Violation(invariant="I6", message=f"log verify: {one}", events=[_ref(one)]) for one in wrong]
    if not result.confirmed:
        found.append(Violation(invariant="I6", message="log verify: no signed checkpoint was confirmed"))
    return _proofs(compared, result, len(wrong)), found


def beside(findings: Sequence[Finding], poison: Collection[tuple[str, int, int]]) -> list[Finding]:
    """What is wrong other than that injected records cannot be read."""
    return [
        one for one in findings if one.rule not in _UNREADABLE or (one.topic, one.partition, one.offset) not in poison
    ]


def _proofs(compared: Compared, result: Result, wrong: int) -> Proofs:
    return Proofs(
        rows=compared.rows,
        differing=compared.differing,
        events=result.events,
        wrong=wrong,
        poisoned=len(result.findings) - wrong,
        checkpoints=result.checkpoints,
        confirmed=result.confirmed,
    )


async def _diff(settings: Settings, found: list[Violation]) -> Compared:
    def differs(pair: Sequence[Difference]) -> None:
        found.extend(Violation(invariant="I3", message=f"projections diff: {told(item)}") for item in pair)

    with contextlib.closing(open_keystore(settings, os.environ)) as keystore:
        return await compare(settings, keystore_unseal(keystore), differs)


async def _sign(settings: Settings, poison: Collection[tuple[str, int, int]], found: list[Violation]) -> None:
    try:
        await write_checkpoint(settings, {})
    except ContractError as error:
        if not poison:
            found.append(Violation(invariant="I6", message=f"log checkpoint: {error}"))
    else:
        if poison:
            found.append(Violation(invariant="I6", message="log checkpoint: a ledger with foreign bytes was signed"))


def _ref(one: Finding) -> EventRef:
    return EventRef(topic=one.topic, partition=one.partition, offset=one.offset, type=one.type, ids={})
