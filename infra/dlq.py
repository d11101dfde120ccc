"""Sending the records of dead letters again to where they came from, each at most once.

A record is sent in one transaction with a marker on `dead.letters`: key `redriven-OFFSET`, empty value, and header
`dlq.redriven_offset`. So the record and the knowledge that it was sent exist together or not at all. All redrives share one
transactional id: one that starts aborts what a killed one left open, and fences one that still runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError, ProducerFenced
from msgspec.structs import replace

from infra.dead_letter_box import MARKER, Letter, LetterRefusedError, letter_of, marked_offset, original_of
from infra.kafka import assigned, create_producer, settled_end
from schemas.errors import ContractError, InfrastructureError
from schemas.topics import DEAD_LETTERS

TRANSACTIONAL_ID = "dead-letters-redrive"
BOX = TopicPartition(DEAD_LETTERS.name, 0)
_TIMEOUT = 10.0  # seconds for one step with the broker; an abandoned transaction ends after as long


async def read_letters(bootstrap: str) -> list[Letter]:
    """All dead letters, the oldest first. Raises `InfrastructureError` if Kafka is away."""
    try:
        async with assigned(bootstrap, {BOX: 0}, auto_offset_reset="earliest") as consumer:
            return await _read(bootstrap, consumer)
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {bootstrap}: {error!r}") from error


class Redrive:
    """Sends letters again; made by `redriving`. `letters` are as they were when this redrive had fenced all others."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, letters: list[Letter]) -> None:
        self._producer = producer
        self._consumer = consumer
        self.letters = letters

    async def send(self, letter: Letter) -> None:
        """Send the record of a letter and mark the letter, both or neither; a letter that was sent is left alone."""
        if letter.redriven:
            return
        self._consumer.seek(BOX, letter.offset)
        record = await asyncio.wait_for(self._consumer.getone(BOX), _TIMEOUT)
        if record.offset != letter.offset:
            raise ContractError(f"dead letter {letter.offset} has expired meanwhile")
        again = original_of(record)
        if again.partition not in await self._producer.partitions_for(again.topic):
            raise LetterRefusedError(f"dead letter {letter.offset}: {again.topic} has no partition {again.partition}")
        await self._producer.partitions_for(BOX.topic)  # known now, so that nothing waits inside the transaction
        marker = [(MARKER, str(letter.offset).encode())]
        name = f"redriven-{letter.offset}".encode()
        write = self._producer.send
        async with asyncio.timeout(2 * _TIMEOUT), self._producer.transaction(), asyncio.timeout(_TIMEOUT):
            await asyncio.gather(
                await write(again.topic, again.value, again.key, again.partition, headers=again.headers),
                await write(BOX.topic, b"", name, BOX.partition, headers=marker),
            )


@asynccontextmanager
async def redriving(bootstrap: str) -> AsyncIterator[Redrive]:
    """The only redrive from now on. Raises `InfrastructureError` if Kafka is away or another redrive took over."""
    producer = create_producer(bootstrap, TRANSACTIONAL_ID, transaction_timeout_ms=int(_TIMEOUT * 1000))
    try:
        await producer.start()
        async with assigned(bootstrap, {BOX: 0}, auto_offset_reset="earliest") as consumer:
            yield Redrive(producer, consumer, await _read(bootstrap, consumer))
    except (ProducerFenced, IllegalOperation) as error:  # the second says that the first ended the transaction
        raise InfrastructureError("another redrive has taken over; what this one had not sent is left to it") from error
    except TimeoutError as error:
        raise InfrastructureError(
            f"Kafka at {bootstrap} did not answer in time; repeat it: nothing is sent twice"
        ) from error
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {bootstrap}: {error!r}") from error
    finally:
        with contextlib.suppress(KafkaError, TimeoutError):  # never hides why the block ended; the next start aborts
            await asyncio.wait_for(producer.stop(), _TIMEOUT)


async def _read(bootstrap: str, consumer: AIOKafkaConsumer) -> list[Letter]:
    end = (await settled_end(bootstrap, [BOX]))[BOX]
    await consumer.seek_to_beginning(BOX)
    letters: list[Letter] = []
    redriven: set[int] = set()
    while await consumer.position(BOX) < end:
        for record in (await consumer.getmany(BOX, timeout_ms=500)).get(BOX, []):
            if (offset := marked_offset(record)) is None:
                letters.append(letter_of(record))
            else:
                redriven.add(offset)
    return [replace(letter, redriven=letter.offset in redriven) for letter in letters]
