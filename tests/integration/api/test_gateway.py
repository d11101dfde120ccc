from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from api.errors import ApiError
from api.gateway import Gateway
from api.live.decisions import DecisionBoard
from api.metrics import Metrics
from infra.kafka import assigned
from infra.local.ports import choose
from infra.local.stack import LocalStack
from schemas.decisions import Outcome, RequestDecided
from schemas.envelope import Envelope, Record
from schemas.ids import new_id
from schemas.requests import CancellationRequested, Request, RequestInfo
from schemas.serde import Codec
from schemas.topics import REQUESTS
from tests.integration.api.conftest import ACCOUNT, Coordinator, Followed

TTL = 1.5


def request() -> CancellationRequested:
    now = datetime.now(UTC)
    info = RequestInfo(request_id=new_id(), task_id=new_id(), valid_until=now + timedelta(seconds=TTL))
    return CancellationRequested(
        envelope=Envelope(event_id=new_id(), account_id=ACCOUNT, occurred_at=now), request=info
    )


@pytest.fixture
async def requests(stack: LocalStack) -> AsyncIterator[AIOKafkaConsumer]:
    async with assigned(stack.settings.kafka, {TopicPartition(REQUESTS.name, 0): None}) as consumer:
        await consumer.position(TopicPartition(REQUESTS.name, 0))
        yield consumer


@pytest.fixture
async def gateway(stack: LocalStack, codec: Codec, followed: Followed) -> AsyncIterator[Gateway]:
    board = DecisionBoard()

    def post(record: Record) -> None:
        if isinstance(record, RequestDecided):
            board.post(record)

    followed.tail._on_record = post
    made = Gateway(stack.settings.kafka, codec, board, Metrics(), shards=1, ttl=TTL)
    yield made
    await made.close()


async def test_each_call_gets_its_own_decision(
    gateway: Gateway, requests: AIOKafkaConsumer, coordinator: Coordinator, codec: Codec
) -> None:
    asked = [request() for _ in range(20)]

    async def decide() -> list[Record]:
        seen: list[Record] = []
        while len(seen) < len(asked):
            message = await requests.getone()
            seen.append(codec.decode(message.value, REQUESTS.name))
            assert message.key == ACCOUNT.encode()
        answers = [r for r in reversed(seen) if isinstance(r, Request)]
        await coordinator.write(
            [
                RequestDecided(
                    envelope=Envelope(account_id=ACCOUNT),
                    request_id=r.request.request_id,
                    task_id=r.request.task_id,
                    outcome=Outcome.ACCEPTED,
                )
                for r in answers
            ]
        )
        return seen

    deciding = asyncio.create_task(decide())
    decisions = await asyncio.gather(*(gateway.submit(r) for r in asked))
    assert [d.task_id for d in decisions] == [r.request.task_id for r in asked]
    written = {r.request.request_id: r for r in await deciding if isinstance(r, Request)}
    assert written[asked[0].request.request_id].request.task_id == asked[0].request.task_id


async def test_without_a_decision_the_call_ends_in_time_with_the_task_id(gateway: Gateway) -> None:
    asked, begun = request(), time.monotonic()
    with pytest.raises(ApiError) as caught:
        await gateway.submit(asked)
    assert time.monotonic() - begun < 2.2
    assert caught.value.code == "decision_unknown"
    assert caught.value.members == {"task_id": asked.request.task_id}
    assert caught.value.headers["Retry-After"]


async def test_without_a_broker_nothing_is_accepted_and_the_call_ends_in_time(codec: Codec) -> None:
    port = choose()
    gateway = Gateway(f"127.0.0.1:{port}", codec, DecisionBoard(), Metrics(), shards=1, ttl=TTL)
    begun = time.monotonic()
    answers = await asyncio.gather(*(gateway.submit(request()) for _ in range(10)), return_exceptions=True)
    assert time.monotonic() - begun < 2.2
    assert {answer.code for answer in answers if isinstance(answer, ApiError)} == {"service_unavailable"}
    assert len(answers) == 10
