"""The checker of the invariants I1-I8 over a real log, real read models and a real object store.

`check(evidence)` is pure; `collect.collect(settings)` gathers the evidence of a running system that `quiet.wait_quiet` found
at rest. `python -m tests.faults.checker --data FOLDER` does both for the stack in a folder.
"""

from __future__ import annotations

from schemas.envelope import LedgerRecord
from schemas.topics import REPORTS, REQUESTS
from tests.faults.checker.asked import Asked
from tests.faults.checker.books import Books
from tests.faults.checker.chain import Chain
from tests.faults.checker.evidence import Accepted, Evidence, ObjectSeen, Poison, Position, Reply
from tests.faults.checker.lives import Lives
from tests.faults.checker.violations import EventRef, Findings, Violation

__all__ = [
    "Accepted",
    "EventRef",
    "Evidence",
    "Findings",
    "ObjectSeen",
    "Poison",
    "Position",
    "Reply",
    "Violation",
    "check",
    "examine",
]


def check(evidence: Evidence) -> list[Violation]:
    """All violations of the invariants, at most `violations.MOST` of each."""
    return examine(evidence).violations


def examine(evidence: Evidence) -> Findings:
    """The violations, what was checked, and how many records were read. One pass over the ledger."""
    findings = Findings()
    asked = Asked(findings, evidence.log.records(REQUESTS.name, 0), evidence.accepted)
    lives = Lives(findings, evidence.log.records(REPORTS.name, 0))
    books, chain = Books(findings), Chain(findings)
    for logged in evidence.log.ledger():
        assert isinstance(logged.record, LedgerRecord)
        findings.events += 1
        for fold in (chain.fold, asked.fold, lives.fold, books.fold):
            fold(logged, logged.record)
    asked.finish()
    lives.finish()
    asked.answers(evidence.accepted, evidence.replies, lives.tasks())
    books.finish(evidence.live, evidence.coordinator)
    return findings
