"""What the agent writes: one idempotent producer, built anew after a fatal error."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.kafka import Outgoing, create_producer, send_all
from infra.retrying import is_away, until_done
from schemas.envelope import Record
from schemas.errors import InfrastructureError
from schemas.render import StageProgressed
from schemas.serde import Codec
from schemas.topics import TOPIC_OF

log = logging.getLogger(__name__)
PARTITION = 0  # one shard decides about all devices
_STOP_TIMEOUT = 1.0  # seconds


class Publisher:
    """Writes reports, heartbeats and progress under the device's id."""

    def __init__(self, bootstrap: str, codec: Codec, device_id: str) -> None:
        self._bootstrap = bootstrap
        self._codec = codec
        self._device_id = device_id
        self._source = f"gpu_agents/{device_id}"
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def send(self, record: Record, timeout: float = 5.0) -> None:
        """Write a record and wait for the acknowledgement.

        Raises `InfrastructureError` when it does not come within `timeout` seconds (the record may still arrive) and
        `ContractError` when the record is too large.
        """
        await self._send([self._outgoing(record)], timeout)

    async def deliver(self, records: Sequence[Record]) -> None:
        """Write records in their order, however long the broker is away; the end of the lease cancels the waiting."""
        outgoing = [self._outgoing(record) for record in records]
        await until_done(lambda: self._send(outgoing), is_away, wait_max=2.0)

    def _outgoing(self, record: Record) -> Outgoing:
        key = record.task_id if isinstance(record, StageProgressed) else self._device_id
        topic, value = TOPIC_OF[type(record)].name, self._codec.encode(record)
        return Outgoing(topic, PARTITION, key.encode(), value, self._codec.headers(record, self._source))

    async def stop(self) -> None:
        """Close the producer; what a broker that is away did not take within a second is given up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), _STOP_TIMEOUT)
            except (TimeoutError, KafkaError) as error:
                log.warning("the producer did not close cleanly: %r", error)

    async def _send(self, outgoing: Sequence[Outgoing], timeout: float = 5.0) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        producer = await self._started(timeout)
        remaining = max(0.01, deadline - loop.time())
        try:
            await send_all(producer, outgoing, remaining)
        except InfrastructureError as error:
            if isinstance(error.__cause__, KafkaError) and producer is self._producer:
                log.warning("the producer is built anew: %s", error)
                await self.stop()
            raise

    async def _started(self, timeout: float) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = create_producer(self._bootstrap)
                try:
                    async with asyncio.timeout(timeout):  # unlike wait_for it never swallows a cancellation
                        await producer.start()
                except (TimeoutError, KafkaError) as error:
                    with contextlib.suppress(TimeoutError, KafkaError):  # it never connected: nothing to flush
                        await asyncio.wait_for(producer.stop(), _STOP_TIMEOUT)
                    raise InfrastructureError(f"no Kafka broker at {self._bootstrap}: {error!r}") from error
                self._producer = producer
            return self._producer
