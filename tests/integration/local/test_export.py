"""The log as files, and files as a log: exports that survive a kill, an archive that becomes a working cluster again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from infra.export.log_export import Window
from infra.export.manifest import Manifest, load
from infra.export.restore import restore
from infra.local.stack import StackOptions
from infra.registry import load_codec
from infra.settings import Settings
from schemas.decisions import Outcome
from schemas.errors import ConfigurationError
from schemas.render import StageProgressed
from schemas.requests import ImageRequested
from schemas.tasks import TaskCompleted
from schemas.topics import LEDGER_TOPICS, REPORTS, TOPIC_OF, TOPICS
from tests.integration.coordinator.desk import Coordinator, Desk, check_ledger, info, read_ledger
from tests.integration.local.recorded import (
    BASE,
    expire_reports,
    exported,
    offsets,
    places,
    read_models,
    record,
    small_stack,
    storyreel,
)
from tests.integration.registering import newer_schema
from tests.operator_acts import acts_of
from tests.unit.export.samples import query

EXAMPLES = Path(__file__).parents[3] / "infra/docs/examples"
EXPIRED = 7


def load_manifest(folder: Path) -> Manifest:
    found = load(folder)
    assert found is not None
    return found


class Source:
    """A recorded log while its cluster runs, and what later clusters are compared with."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        asked: list[ImageRequested],
        folder: Path,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.settings = settings
        self.desk = desk
        self.asked = asked
        self.folder = folder
        self.close = close

    @property
    def archive(self) -> Path:
        return self.folder / "archive"


@pytest.fixture(scope="module")
async def source(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Source]:
    folder = tmp_path_factory.mktemp("recorded")
    async with AsyncExitStack() as opened:
        stack = await opened.enter_async_context(small_stack(folder / "source", StackOptions(topics=TOPICS, base=BASE)))
        desk = await opened.enter_async_context(Desk(stack.settings, await load_codec(stack.settings)).open())
        asked = await record(desk, Coordinator(stack.settings, folder))
        await expire_reports(stack.settings, EXPIRED)
        yield Source(stack.settings, desk, asked, folder, opened.aclose)


def rows_in(folder: Path, what: str) -> list[tuple[Any, ...]]:
    """Of all tables of a Parquet export."""
    return query(f"SELECT {what} FROM read_parquet('{folder}/*/*/*.parquet', union_by_name = true)")


async def test_a_killed_export_goes_on_and_has_nothing_twice(source: Source, tmp_path: Path) -> None:
    out, armed = tmp_path / "tables", tmp_path / "armed"
    armed.mkdir()
    (armed / "export.before_manifest").touch()
    command = ("log", "export", "--out", str(out))
    dead, _, _ = await storyreel(source.settings, *command, folder=tmp_path, STORYREEL_CRASH_POINTS=str(armed))
    assert dead == -signal.SIGKILL
    assert list(out.rglob("part-*")), "it died with files in place"
    assert load_manifest(out).files == [], "that no manifest lists"

    status, said, told = await storyreel(source.settings, *command, folder=tmp_path)
    assert status == 0, told
    assert "unfinished files removed" in said
    first = places(rows_in(out, "kafka_topic, kafka_partition, kafka_offset"))
    events = {e.envelope.event_id for e in source.desk.seen}
    assert events == {row[0] for row in rows_in(out, "event_id") if row[0]} & events
    assert f"{len(first)} records" in said.replace(",", "")

    assert (await exported(source.settings, out, "parquet")).files == 0
    await source.desk.write(StageProgressed(task_id="late", percent=99.0))
    assert (await exported(source.settings, out, "parquet")).records == 1
    assert places(rows_in(out, "kafka_topic, kafka_partition, kafka_offset")) > first
    assert len(rows_in(out, "task_id")) == len(first) + 1
    with pytest.raises(ConfigurationError, match="holds an export with --format parquet, not avro"):
        await exported(source.settings, out, "avro")


async def test_a_window_is_a_contiguous_piece(source: Source, tmp_path: Path) -> None:
    await exported(source.settings, tmp_path / "all", "parquet", ["tasks"])
    [(cut,)] = query(f"SELECT quantile_disc(kafka_timestamp, 0.5) FROM '{tmp_path}/all/*/*/*.parquet'")
    for name, window in (("early", Window(until=cut)), ("late", Window(since=cut))):
        await exported(source.settings, tmp_path / name, "parquet", ["tasks"], window)
    early, late = (rows_in(tmp_path / name, "kafka_offset, kafka_timestamp") for name in ("early", "late"))
    assert early
    assert late
    assert max(early)[0] < min(late)[0]
    assert min(late)[1] >= cut
    assert len(early) + len(late) == len(rows_in(tmp_path / "all", "kafka_offset"))


async def test_any_confluent_consumer_reads_the_topics(source: Source) -> None:
    """Confluent's own client and deserializer, with no line of ours between them and the record."""
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": source.settings.registry_url}))
    consumer = Consumer({"bootstrap.servers": source.settings.kafka, "group.id": "strangers"})
    wanted = {e.envelope.event_id: e for e in source.desk.seen if TOPIC_OF[type(e)].partitions == "shards"}
    assert len(wanted) > 50

    def read() -> dict[str, Any]:
        found: dict[str, Any] = {}
        consumer.assign([TopicPartition(topic.name, 0, 0) for topic in LEDGER_TOPICS if topic.partitions == "shards"])
        while len(found) < len(wanted):
            message = consumer.poll(30)
            assert message is not None, f"{len(found)} of {len(wanted)} records"
            assert message.error() is None
            body = deserialize(message.value(), SerializationContext(str(message.topic()), MessageField.VALUE))
            found[body["envelope"]["event_id"]] = body
        return found

    try:
        found = await asyncio.to_thread(read)
    finally:
        consumer.close()
    assert set(found) == set(wanted)
    for event_id, body in found.items():
        assert body["stamp"]["prev_hash"] == wanted[event_id].stamp.prev_hash
        assert body["envelope"]["occurred_at"] == wanted[event_id].envelope.occurred_at


async def test_the_live_consumer_of_the_documentation(source: Source) -> None:
    lines = (EXAMPLES / "live.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 15
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / "live.py"),
        source.settings.kafka,
        source.settings.registry_url,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    wanted = {e.task_id for e in source.desk.seen if isinstance(e, TaskCompleted)}
    try:
        while wanted:
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            assert line, "it ended"
            if "TaskCompleted" in line:
                wanted -= {line.split()[-1]}
    finally:
        process.kill()
        await process.wait()


async def test_an_archive_becomes_a_cluster_that_works_on(source: Source, tmp_path: Path) -> None:
    """Last, for it stops the source. The registry of the new cluster gives other ids: the chain holds nevertheless."""
    before = await read_models(source.settings)
    begin, end = await offsets(source.settings, REPORTS.name)
    assert begin == EXPIRED
    await exported(source.settings, source.archive, "avro")
    with pytest.raises(ConfigurationError, match=r"topic [\w.]+ of .* is not empty"):
        await restore(source.settings, source.archive, lambda *_: None)
    ledger = len(await read_ledger(source.desk))
    await source.close()

    async with small_stack(tmp_path / "target") as target:
        await asyncio.to_thread(newer_schema, target.settings.registry_url)
        status, said, told = await storyreel(
            target.settings, "log", "restore", "--from", str(source.archive), folder=tmp_path / "new"
        )
        assert status == 0, told
        assert "schemas have other ids" in said
        [act] = await acts_of(target.settings, "log restore")
        assert act.detail.startswith(said.split()[0].replace(",", ""))
        assert await offsets(target.settings, REPORTS.name) == (begin, end)
        assert await read_models(target.settings) == before

        coordinator = Coordinator(target.settings, tmp_path)
        async with Desk(target.settings, await load_codec(target.settings)).open() as desk:
            await coordinator.start()
            try:
                again = source.asked[0]
                request = info(again.request.task_id)
                decided = await desk.ask(ImageRequested(envelope=again.envelope, request=request, stages=again.stages))
                assert decided.outcome is Outcome.DUPLICATE, "what was decided is remembered"
                await desk.account()
            finally:
                assert await coordinator.stop() == 0
            continued = await read_ledger(desk)
            assert len(continued) > ledger
            check_ledger(continued)
