"""I8: dead letters are the injected poison, each record once, with its bytes and headers, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from infra.dead_letter_box import REDRIVEN, marked_offset
from infra.dead_letters import PREFIX
from tests.faults.checker.evidence import Poison
from tests.faults.checker.records import Log, Logged
from tests.faults.checker.violations import Findings

RecordPlace = tuple[str, int, int]
"""Topic, partition, offset."""


def check_letters(findings: Findings, log: Log, poison: Sequence[Poison]) -> None:
    """Call after the other passes: `log.unreadable` must hold what they met."""
    letters: dict[RecordPlace, list[Logged]] = {}
    for letter in log.letters():
        if marked_offset(letter.raw) is None:
            findings.checked["I8"] += 1
            letters.setdefault(place_of(letter), []).append(letter)
    injected = _injected(findings, log, poison, letters)
    for place, kept in sorted(letters.items()):
        shown = [letter.ref for letter in kept]
        if place not in injected:
            findings.add("I8", f"a dead letter of {_named(place)}, where no poison was injected", *shown)
        elif len(kept) > 1:
            findings.add("I8", f"{_named(place)} became {len(kept)} dead letters", *shown)
        source = log.unreadable.get(place) or log.at(place)
        for letter in kept:
            _compare(findings, letter, source)
    for place in sorted(injected - letters.keys()):
        bad = log.unreadable.get(place) or log.at(place)
        findings.add("I8", f"the poison at {_named(place)} became no dead letter", bad.ref if bad else None)
    for place, bad in sorted(log.unreadable.items()):
        if place not in injected:
            findings.add("I8", f"{_named(place)} is unreadable ({bad.error}) and was not injected", bad.ref)


def place_of(letter: Logged) -> RecordPlace:
    """Where the letter says its record was; ("", 0, offset of the letter) if it does not say."""
    told = dict(letter.raw.headers)
    try:
        topic = (told[PREFIX + "topic"] or b"").decode()
        return topic, int(told[PREFIX + "partition"] or b""), int(told[PREFIX + "offset"] or b"")
    except (KeyError, ValueError):
        return "", 0, letter.raw.offset


def _injected(
    findings: Findings, log: Log, poison: Sequence[Poison], letters: dict[RecordPlace, list[Logged]]
) -> set[RecordPlace]:
    """Places of the poison: as named, or of every bad or buried record with its hash, or sent again from a dead letter."""
    hashes: dict[str, set[RecordPlace]] = {}
    for place, bad in log.unreadable.items():
        hashes.setdefault(_sha256(bad), set()).add(place)
    for place, kept in letters.items():
        hashes.setdefault(_sha256(kept[0]), set()).add(place)
    found = {place for place, bad in log.unreadable.items() if REDRIVEN in dict(bad.raw.headers)}
    for one in poison:
        findings.checked["I8"] += 1
        if one.offset is not None:
            found.add((one.topic, one.partition, one.offset))
        elif one.sha256 in hashes:
            found |= hashes[one.sha256]
        else:
            findings.add("I8", f"the poison with hash {one.sha256} is neither on the log nor among the dead letters")
    return found


def _compare(findings: Findings, letter: Logged, source: Logged | None) -> None:
    if source is None:
        findings.add("I8", "a dead letter of a record that is not on the log", letter.ref)
        return
    kept, original, told = letter.raw.value or b"", source.raw.value or b"", dict(letter.raw.headers)
    cut = PREFIX + "size" in told
    whole = hashlib.sha256(original).hexdigest().encode()
    if original != kept and not (cut and original.startswith(kept) and told.get(PREFIX + "sha256") == whole):
        findings.add("I8", "a dead letter with other bytes than its record", source.ref, letter.ref)
    if not cut and _own_headers(letter) != _own_headers(source):
        findings.add("I8", "a dead letter with other headers than its record", source.ref, letter.ref)


def _own_headers(logged: Logged) -> list[tuple[str, bytes]]:
    return [(name, value or b"") for name, value in logged.raw.headers if not name.startswith(PREFIX)]


def _sha256(logged: Logged) -> str:
    return hashlib.sha256(logged.raw.value or b"").hexdigest()


def _named(place: RecordPlace) -> str:
    topic, partition, offset = place
    return f"{topic}[{partition}]@{offset}" if topic else "an unnamed place"
