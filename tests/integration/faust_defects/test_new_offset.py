"""Defects of Faust that shaped the read models. A test of the original that fails means: upstream changed, look again."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from intervaltree import IntervalTree  # type: ignore[import-untyped]

from schemas.errors import ConfigurationError
from streams.read_models import transport
from streams.read_models.transport import FETCH_WAIT_MS, ReadModelApp, ReadModelConsumer, check_faust_version

PARTITION = TP("tasks", 0)


def consumer(kind: type[Any], committed: int, acked: list[int], in_flight: list[int]) -> Any:
    """A consumer that has these offsets acknowledged and in flight, without a broker."""
    made: Any = object.__new__(kind)
    made._acked = defaultdict(list, {PARTITION: list(acked)})
    made._acked_index = defaultdict(set, {PARTITION: set(acked)})
    made._gap = defaultdict(IntervalTree)
    made._committed_offset = defaultdict(lambda: None, {PARTITION: committed})
    made._unacked_messages = [SimpleNamespace(tp=PARTITION, offset=offset) for offset in in_flight]
    return made


def test_faust_itself_commits_past_a_record_in_flight() -> None:
    assert consumer(driver.Consumer, 2585, [2586, 2587, 2588, 2589], [2585])._new_offset(PARTITION) == 2590


def test_ours_waits_for_it() -> None:
    ours = consumer(ReadModelConsumer, 2585, [2586, 2587, 2588, 2589], [2585])
    assert ours._new_offset(PARTITION) is None
    ours._unacked_messages = []
    ours._acked[PARTITION].append(2585)
    assert ours._new_offset(PARTITION) == 2590


def test_ours_commits_up_to_the_record_in_flight() -> None:
    ours = consumer(ReadModelConsumer, 10, [10, 11, 13, 14], [12])
    assert ours._new_offset(PARTITION) == 12
    ours._unacked_messages = []
    ours._acked[PARTITION].append(12)
    ours._committed_offset[PARTITION] = 12
    assert ours._new_offset(PARTITION) == 15


@given(st.integers(1, 100), st.integers(1, 15), st.data())
def test_ours_never_passes_what_is_in_flight_and_forgets_nothing(start: int, count: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(start, start + count)))
    ours = consumer(ReadModelConsumer, start, [], list(range(start, start + count)))
    committed = start
    for offset in order:
        ours._unacked_messages = [m for m in ours._unacked_messages if m.offset != offset]
        ours._acked[PARTITION].append(offset)
        found = ours._new_offset(PARTITION)
        if found is not None:
            assert all(message.offset >= found for message in ours._unacked_messages)
            assert found > committed
            committed = ours._committed_offset[PARTITION] = found
    assert committed == start + count


def made_by(kind: type[Any], folder: Path) -> Any:
    """The aiokafka consumer an app would start."""
    app = kind("probe", broker="kafka://127.0.0.1:1", datadir=str(folder), autodiscover=False, web_enabled=False)
    return app.consumer._thread._create_worker_consumer(app.transport)


async def test_faust_s_own_consumer_reads_uncommitted_records(tmp_path: Path) -> None:
    consumer = made_by(faust.App, tmp_path)
    assert (consumer._isolation_level, consumer._fetch_max_wait_ms) == ("read_uncommitted", 1500)


async def test_ours_reads_committed_records_without_a_long_poll(tmp_path: Path) -> None:
    consumer = made_by(ReadModelApp, tmp_path)
    assert (consumer._isolation_level, consumer._fetch_max_wait_ms) == ("read_committed", FETCH_WAIT_MS)


def test_an_untested_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_faust_version()
    monkeypatch.setattr(transport, "version", lambda _: "0.16.0")
    with pytest.raises(ConfigurationError, match=r"faust-streaming 0\.16\.0"):
        check_faust_version()
