"""The Faust app of the read models."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from faust.types import TP
from msgspec import Struct

from infra.settings import Settings
from projections.apply import Partition
from projections.catch_up import Reader, stored_cursors
from projections.tables import PROJECTED
from streams.read_models.feed import Feed
from streams.read_models.transport import RawSchema, ReadModelApp, check_faust_version

log = logging.getLogger(__name__)
APP_ID = "storyreel-read-models"
SESSION = 6  # seconds, the least that brokers allow by default; after it a killed process has left its group
HEARTBEAT = 1


class Deps(Struct, frozen=True):
    """What the agents need: how to read and apply, the partitions with their identity, and whom to tell that they read."""

    reader: Reader
    partitions: Sequence[Partition]
    reading: Callable[[], None]


def create_app(settings: Settings, deps: Deps, feed_type: type[Feed] = Feed) -> ReadModelApp:
    """The app with one agent a projected topic, not started; `app.feeds` are to be run beside it."""
    check_faust_version()
    app = ReadModelApp(
        APP_ID,
        broker=[f"kafka://{address.strip()}" for address in settings.kafka.split(",")],
        autodiscover=False,
        store="memory://",
        datadir=str(settings.data_dir / "read-models"),
        web_enabled=False,
        processing_guarantee="at_least_once",
        value_serializer="raw",
        key_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_session_timeout=SESSION,
        broker_heartbeat_interval=HEARTBEAT,
        broker_max_poll_interval=8_640_000,  # a worker without partitions never polls and would leave for ever
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,  # a record applied twice changes nothing, a rebalance that waits may never end
    )
    identities = {partition.topic: partition.identity for partition in deps.partitions}
    app.feeds = [feed_type(topic.name, deps.reader, identities[topic.name]) for topic in PROJECTED]
    for feed in app.feeds:
        topic = app.topic(feed.topic, schema=RawSchema())
        app.agent(topic, name=f"read-models.{feed.topic}", concurrency=1)(feed.drain)

    async def positions(assigned: set[TP]) -> Mapping[TP, int]:
        cursors = await stored_cursors(deps.reader.pool)
        found = {tp: cursors.get((tp.topic, tp.partition)) for tp in assigned}
        log.info("agents read %d partitions", len(assigned))
        deps.reading()
        return {tp: cursor.next_offset if cursor else 0 for tp, cursor in found.items()}

    async def on_assigned(_: ReadModelApp, assigned: set[TP], **__: object) -> None:
        if not assigned:
            log.info("agents stand by, another process reads")
            deps.reading()

    app.positions = positions
    app.on_partitions_assigned.connect(on_assigned, weak=False)
    return app
