"""The checker of the invariants I1-I8 over a real log, real read models and a real object store.

`check(evidence)` is pure; `collect.collect(settings)` gathers the evidence of a running system that `quiet.wait_quiet` found
at rest. `python -m tests.faults.checker --data FOLDER` does both for the stack in a folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.envelope import LedgerRecord
from schemas.render import StageProgressed
from schemas.snapshots import LedgerMarked
from schemas.topics import PROGRESS, REPORTS, REQUESTS, SNAPSHOTS
from streams.inspection import INSPECTED
from tests.faults.checker.asked import Asked
from tests.faults.checker.books import Books
from tests.faults.checker.chain import Chain
from tests.faults.checker.dumps import compare
from tests.faults.checker.evidence import Accepted, Evidence, ObjectSeen, Poison, Position, Reply, Seen
from tests.faults.checker.lag import check_lag
from tests.faults.checker.letters import check_letters
from tests.faults.checker.lives import Lives
from tests.faults.checker.objects import Objects
from tests.faults.checker.records import Log
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
    "Seen",
    "Violation",
    "check",
    "examine",
]


def check(evidence: Evidence) -> list[Violation]:
    """All violations of the invariants, at most `violations.MOST` of each."""
    return examine(evidence).violations


def examine(evidence: Evidence) -> Findings:
    """The violations, what was checked, and how many records were read. One pass over the ledger."""
    findings = Findings(events=len(evidence.log))
    lives = Lives(findings, evidence.log.records(REPORTS.name, 0))
    requests = evidence.log.records(REQUESTS.name, 0)
    asked = Asked(findings, requests, evidence.seen.accepted, lives.account_of)
    books, chain, objects = Books(findings), Chain(findings, evidence.log.codec), Objects(findings)
    for logged in evidence.log.ledger():
        assert isinstance(logged.record, LedgerRecord)
        for fold in (chain.fold, asked.fold, lives.fold, books.fold, objects.fold):
            fold(logged, logged.record)
    asked.finish()
    lives.finish()
    tasks = lives.tasks()
    asked.answers(evidence.seen, tasks)
    books.finish(evidence.live, evidence.coordinator)
    if evidence.live is not None and evidence.rebuilt is not None:
        compare(findings, evidence.live, evidence.rebuilt)
    for logged in evidence.log.records(SNAPSHOTS.name):
        if isinstance(logged.record, LedgerMarked):
            objects.marked(logged, logged.record)
    previews = [*_previews(evidence.log)]
    if evidence.objects is not None:
        objects.finish(evidence.objects, previews, tasks)
    if evidence.positions is not None:
        check_lag(findings, evidence.positions, evidence.quiet_s, evidence.bound_s)
    for topic in INSPECTED:
        for _ in evidence.log.records(topic.name):
            findings.checked["I8"] += 1  # what is unreadable is met in passing
    check_letters(findings, evidence.log, evidence.seen.poison)
    return findings


def _previews(log: Log) -> Iterator[str]:
    """Keys of pictures that progress records name."""
    for logged in log.records(PROGRESS.name):
        if isinstance(logged.record, StageProgressed) and logged.record.preview_key:
            yield logged.record.preview_key
