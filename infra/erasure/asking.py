"""Asking the coordinator from the command line: one request to the log, and its decision back."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import assigned, create_producer, send
from infra.settings import Settings
from infra.whole_log import decoded
from schemas.decisions import Outcome, RequestDecided
from schemas.errors import ContractError, InfrastructureError
from schemas.requests import Request
from schemas.serde import Codec
from schemas.topics import DECISIONS, REQUESTS, shard_of

SOURCE = "storyreel/operators"
PATIENCE = 20.0  # seconds; what is asked should be valid as long


class RefusedError(ContractError):
    """The coordinator decided against it."""

    code = "refused"


async def ask(settings: Settings, codec: Codec, request: Request) -> RequestDecided:
    """Write the request and wait for its decision.

    Raises `RefusedError` with the problem's words, `InfrastructureError` when nobody decides in time: what was asked then
    expires by itself, or was done, and the same command tells.
    """
    account_id = request.envelope.account_id
    partition = shard_of(account_id, settings.shards)
    place = TopicPartition(DECISIONS.name, partition)
    producer = create_producer(settings.kafka)
    try:
        await producer.start()
        async with assigned(settings.kafka, {place: None}) as consumer, asyncio.timeout(PATIENCE):
            value, headers = codec.encode(request), codec.headers(request, source=SOURCE)
            await send(producer, REQUESTS.name, value, key=account_id, partition=partition, headers=headers)
            return _settled(await _decision(settings, codec, consumer, request.request.request_id))
    except TimeoutError as error:
        raise InfrastructureError("the coordinator did not decide in time; run the command again") from error
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error
    finally:
        await producer.stop()


async def _decision(settings: Settings, codec: Codec, consumer: AIOKafkaConsumer, request_id: str) -> RequestDecided:
    while True:
        for messages in (await consumer.getmany(timeout_ms=500)).values():
            for message in messages:
                record = await decoded(settings, codec, message.value, message.topic)
                if isinstance(record, RequestDecided) and record.request_id == request_id:
                    return record


def _settled(decision: RequestDecided) -> RequestDecided:
    if decision.outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE):
        return decision
    problem = decision.problem
    raise RefusedError(f"refused: {problem.detail}" if problem else f"the request was {decision.outcome}")
