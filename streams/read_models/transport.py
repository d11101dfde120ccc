"""Faust's Kafka transport with what it lacks for reading a transactional log.

Four changes to faust-streaming 0.15: read_committed although nothing is produced in transactions, positions that come
from the read models instead of the consumer group, offsets that are never committed past a record in flight, and records
that are queued without tasks of their own while there is room.
They touch private parts, so `check_faust_version` refuses versions nobody tested.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any, ClassVar

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import READ_COMMITTED
from faust.events import Event
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.services import WaitResults

from infra.kafka_reconnect import bound_reconnects
from schemas.errors import ConfigurationError

TESTED = ("0.15.3",)
FETCH_WAIT_MS = 25  # a long poll of one partition holds back the others of its broker that long; Faust's is 1500
Positions = Callable[[set[TP]], Awaitable[Mapping[TP, int]]]


def check_faust_version() -> None:
    """Raises `ConfigurationError` for a version whose inner workings were not compared with this module."""
    if (found := version("faust-streaming")) not in TESTED:
        raise ConfigurationError(f"faust-streaming {found}: the read models need one of {', '.join(TESTED)}")


class ReadCommittedThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that owns the aiokafka consumer."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer: AIOKafkaConsumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        bound_reconnects(consumer._client)  # noqa: SLF001
        return consumer

    async def on_start(self) -> None:
        """Start, and make sure that what fetches drops aborted records."""
        await super().on_start()
        fetcher = self._consumer._fetcher  # noqa: SLF001
        if fetcher._isolation_level != READ_COMMITTED:  # noqa: SLF001
            raise ConfigurationError("the read models' consumer does not read committed records only")


class ReadModelConsumer(driver.Consumer):  # type: ignore[misc]
    """The consumer as Faust's services see it."""

    callback: Callable[[Any], Awaitable[None]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queue = self.callback
        self._next: TP | None = None  # where the record comes from that is queued now

        def noted(message: Any) -> Awaitable[None]:
            self._next = message.tp
            return queue(message)

        self.callback = noted

    def _new_consumer_thread(self) -> ReadCommittedThread:
        return ReadCommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the positions of the read models; the group's offsets are for display."""
        positions: Mapping[TP, int] = await self.app.positions(self.assignment())
        await self._thread.seek_wait(positions)
        return positions

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: never past a record still in flight, which the original may skip at the head."""
        in_flight = [message.offset for message in list(self._unacked_messages) if message.tp == tp]
        if not in_flight:
            return self._capped(super()._new_offset(tp), None)
        first = min(in_flight)
        later = [offset for offset in self._acked[tp] if offset > first]
        self._acked[tp] = [offset for offset in self._acked[tp] if offset < first]
        try:
            return self._capped(super()._new_offset(tp), first)
        finally:
            self._acked[tp].extend(later)

    async def wait_first(self, *waits: Any, timeout: float | None = None) -> WaitResults:
        """Called for every record with the queuing of it and with the suspension of the flow, whichever comes first.

        The original makes four tasks for that, which is half of what Faust costs. Queuing waits for nothing when there is room.
        """
        if len(waits) != 2 or not self._has_room():
            waited: WaitResults = await super().wait_first(*waits, timeout=timeout)
            return waited
        queuing, suspension = waits
        suspension.close()
        return WaitResults([queuing], [await queuing], stopped=False)

    def _has_room(self) -> bool:
        topics = self.app.topics
        if topics._tp_to_callback_lock.locked() or not self.app.flow_control.is_active():  # noqa: SLF001
            return False
        return not any(channel.queue.full() for channel in topics._tp_index.get(self._next, ()))  # noqa: SLF001

    @staticmethod
    def _capped(offset: int | None, limit: int | None) -> int | None:
        return offset if offset is None or limit is None else min(offset, limit)


class RawSchema(faust.Schema):  # type: ignore[misc]
    """Keys and values as they came, without the lookups of serializers for each."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Event]]:
        """The function that makes an event of a message; it never fails."""

        async def decode(message: Any, *, propagate: bool = False) -> Event:  # noqa: ARG001 - Faust passes it
            return Event(app, message.key, message.value, message.headers, message)

        return decode


class ReadModelTransport(driver.Transport):  # type: ignore[misc]
    """Transport whose consumer is the one above."""

    Consumer: ClassVar[type[ReadModelConsumer]] = ReadModelConsumer


class ReadModelApp(faust.App):  # type: ignore[misc]
    """A Faust app that reads from `positions`, a function of the assigned partitions."""

    positions: Positions

    def _new_transport(self) -> ReadModelTransport:
        return ReadModelTransport(self.conf.broker_consumer, self)
