"""What the coordinator wrote, as it becomes visible: for tests and measurements on a running stack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka import assigned
from infra.registry import load_codec
from infra.settings import Settings
from schemas.envelope import Record
from schemas.serde import Codec

R = TypeVar("R", bound=Record)


class Tail:
    """Records of some topics in the order they were seen, each with the monotonic second at which it was."""

    def __init__(self, codec: Codec) -> None:
        self.seen: list[tuple[float, Record]] = []
        self._codec = codec
        self._news = asyncio.Condition()

    def all(self, kind: type[R], wanted: Callable[[R], bool] = lambda _: True) -> list[R]:
        """Everything of a kind so far."""
        return [record for _, record in self.seen if isinstance(record, kind) and wanted(record)]

    async def expect(
        self, kind: type[R], wanted: Callable[[R], bool] = lambda _: True, patience: float = 60.0
    ) -> tuple[float, R]:
        """The first record that is wanted, and when it was seen; waits for it."""

        def found() -> tuple[float, R] | None:
            return next(((at, r) for at, r in self.seen if isinstance(r, kind) and wanted(r)), None)

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: found() is not None), patience)
            except TimeoutError:
                raise AssertionError(f"no wanted {kind.__name__} within {patience} s") from None
            result = found()
            assert result is not None
            return result

    async def read(self, consumer: AIOKafkaConsumer) -> None:
        """Take in what the consumer brings until cancelled."""
        while True:
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                async with self._news:
                    now = time.monotonic()
                    self.seen += [(now, self._codec.decode(message.value)) for message in messages]
                    self._news.notify_all()


@asynccontextmanager
async def tailing(settings: Settings, *topics: str) -> AsyncIterator[Tail]:
    """A tail of partition 0 of the topics from now on."""
    tail = Tail(await load_codec(settings))
    places: dict[TopicPartition, int | None] = {TopicPartition(topic, 0): None for topic in topics}
    async with assigned(settings.kafka, places) as consumer:
        for place in places:
            await consumer.position(place)  # the ends are settled before anybody writes
        reading = asyncio.create_task(tail.read(consumer), name="tail")
        try:
            yield tail
        finally:
            reading.cancel()
