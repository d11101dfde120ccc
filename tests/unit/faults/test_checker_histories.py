"""The checker over simulated histories, full of faults: what the simulation finds clean is clean, planted bugs are found."""

from __future__ import annotations

from collections import defaultdict

import pytest
from msgspec.structs import replace

from schemas.envelope import Record
from schemas.topics import REPORTS, REQUESTS
from tests.faults.checker import Evidence, check
from tests.faults.checker.records import Log, Place, Raw
from tests.faults.simulation.bugs import BUGS
from tests.faults.simulation.owner import CODEC, Rules
from tests.faults.simulation.world import World

MOST_SEEDS = 40  # within which a planted bug must show
BEYOND = ("clock", "validity")  # words of bugs that only the times of the decision show, which no log carries


def evidence_of(world: World) -> Evidence:
    """The world's log as a broker would hold it: a transaction ends with a marker in every partition it wrote to."""
    sources: dict[Place, list[Raw]] = defaultdict(list)
    markers: dict[Place, int] = defaultdict(int)
    for transaction in world.log.transactions:
        for entry in transaction.entries:
            place = (entry.topic, entry.partition)
            offset = len(sources[place]) + markers[place]
            sources[place].append(Raw(offset, entry.key.encode(), entry.value, list(entry.headers)))
        for place in {(entry.topic, entry.partition) for entry in transaction.entries}:
            markers[place] += 1
    inputs: dict[str, list[Record]] = {REQUESTS.name: [*world.log.requests], REPORTS.name: world.log.reports}
    for topic, records in inputs.items():
        for offset, record in enumerate(records):
            named = replace(record, envelope=replace(record.envelope, event_id="cause"))
            sources[topic, 0].append(Raw(offset, b"", CODEC.encode(named)))
    return Evidence(log=Log(CODEC, sources))


def history(seed: int, rules: Rules, requests: int = 50, faults: int = 10) -> list[str] | None:
    """Violations of one history, None if it did not come to its end."""
    world = World(seed, rules, requests, faults)
    try:
        stuck = world.run()
    except Exception:
        return None
    return None if stuck else [str(one) for one in check(evidence_of(world))]


@pytest.mark.parametrize("seed", range(100, 112))
def test_a_history_full_of_faults_is_clean(seed: int) -> None:
    assert history(seed, Rules()) == []


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found_here_as_well(bug: str) -> None:
    ended = [found for seed in range(1, MOST_SEEDS + 1) if (found := history(seed, Rules(**BUGS[bug]()))) is not None]
    assert not ended or any(ended), bug
