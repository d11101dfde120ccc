"""The read models kept by quix-streams, in a process of its own: `python -m tests.benchmarks.quix_side EVENTS`.

The same topics from the first record on, the product's decoder, folds and tables; reading, batching and positions are
quix-streams' own, used as its documentation shows it: a dataframe a topic, into a sink that writes at every checkpoint.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from quixstreams import Application
from quixstreams.models import Deserializer, SerializationContext
from quixstreams.sinks import BatchingSink, SinkBatch

from infra.registry import load_codec
from infra.settings import Settings
from projections.catch_up import Reader
from projections.postgres import transaction
from projections.row_store import SqlRows
from projections.tables import PROJECTED
from projections.writers import WRITERS
from schemas.envelope import LedgerRecord, Record
from schemas.serde import Codec
from tests.benchmarks.reader_side import Clock, Reading, fresh_reader

EVERY = 1_000  # events a checkpoint, of all topics; the product takes 500 of each
INTERVAL = 0.1  # seconds, as long as the product lets a batch grow


class Decoded(Deserializer):  # type: ignore[misc]
    """A value as the product's record."""

    def __init__(self, codec: Codec, clock: Clock) -> None:
        super().__init__()
        self._codec = codec
        self._clock = clock

    def __call__(self, value: bytes, ctx: SerializationContext) -> Record:
        self._clock.begin()
        return self._codec.decode(value, ctx.topic)


class Rows(BatchingSink):  # type: ignore[misc]
    """The batch of a topic in one transaction; a record that comes again changes nothing."""

    def __init__(self, runner: asyncio.Runner, reader: Reader, clock: Clock) -> None:
        super().__init__()
        self._runner = runner
        self._reader = reader
        self._clock = clock

    def write(self, batch: SinkBatch) -> None:
        """Called with everything that came in since the last checkpoint; offsets are committed afterwards."""
        self._runner.run(self._write(batch.topic, [item.value for item in batch]))
        self._clock.count(batch.size)

    async def _write(self, topic: str, events: Sequence[LedgerRecord]) -> None:
        async with transaction(self._reader.pool) as connection:
            refused = await WRITERS[topic](SqlRows(connection), events, self._reader.ports.unseal)
        assert not refused, refused[0].error


def follow(settings: Settings, events: int) -> None:
    """Read that many events, print what it took, and end the process."""
    clock = Clock(events, _leave)
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as state:
        fresh = fresh_reader(settings)
        reader, codec = runner.run(fresh.__aenter__()), runner.run(load_codec(settings))
        app: Any = Application(
            broker_address=settings.kafka,
            consumer_group=f"quix-{uuid.uuid4().hex}",
            auto_offset_reset="earliest",
            commit_every=EVERY,
            commit_interval=INTERVAL,
            auto_create_topics=False,
            state_dir=state,
            loglevel="WARNING",
        )
        sink = Rows(runner, reader, clock)
        for topic in PROJECTED:
            source = app.topic(topic.name, key_deserializer="bytes", value_deserializer=Decoded(codec, clock))
            app.dataframe(source).sink(sink)
        app.run()


def _leave(reading: Reading) -> None:
    print(msgspec.json.encode(reading).decode(), flush=True)
    os._exit(0)  # nothing of it is needed any more


if __name__ == "__main__":
    follow(Settings.from_env(os.environ), int(sys.argv[1]))
