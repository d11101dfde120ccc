"""The checker over simulated histories, full of faults: what the simulation finds clean is clean, planted bugs are found."""

from __future__ import annotations

import contextlib
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

MOST_SEEDS = 30  # within which a planted bug must show
FOUND = (
    "answered twice",
    "dispatched twice",
    "no release on cancel",
    "never reserved",
    "no command sent",
    "devices are not told to stop",
    "completed before all stages",
    "stages lost with their device",
    "retried without limit",
    "retried at once",
    "limits ignored",
    "one slot for all",
    "epochs do not grow",
    "answers forgotten",
    "anybody may cancel",
    "dependencies ignored",
    "results of others are taken",
)  # others need more than a log: the clock of a decision, a state in memory


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


def history(seed: int, rules: Rules, requests: int = 50, faults: int = 10) -> list[str]:
    """Violations of one history; one that a bug ends early is judged as far as it came."""
    world = World(seed, rules, requests, faults)
    with contextlib.suppress(KeyError, ValueError, AssertionError):  # a planted bug may break the decider
        world.run()
    return [str(one) for one in check(evidence_of(world))]


@pytest.mark.parametrize("seed", range(100, 106))
def test_a_history_full_of_faults_is_clean(seed: int) -> None:
    assert history(seed, Rules()) == []


@pytest.mark.parametrize("bug", FOUND)
def test_a_planted_bug_is_found_here_as_well(bug: str) -> None:
    for seed in range(1, MOST_SEEDS + 1):
        if history(seed, Rules(**BUGS[bug]())):
            return
    pytest.fail(f"{MOST_SEEDS} histories passed although {bug}")
