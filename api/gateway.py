"""The way in: write one request, wait for its decision, or say honestly that it is not known yet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from api.errors import ApiError, from_problem, unavailable
from api.live.decisions import DecisionBoard
from api.metrics import Metrics
from infra import crash_points
from infra.kafka import create_producer, send
from schemas.decisions import Outcome, RequestDecided
from schemas.errors import ContractError, InfrastructureError
from schemas.requests import Request
from schemas.serde import Codec
from schemas.topics import REQUESTS, shard_of

log = logging.getLogger(__name__)
SOURCE = "storyreel/api"
PATIENCE = 0.3  # seconds beyond the request's own time to live
START_TIMEOUT = 1.5
MAX_REQUEST = 1_400_000  # bytes; the events a request causes repeat its content and need some room


class Gateway:
    """One idempotent producer for all calls; it is made on first use and made anew after an error that it cannot survive.

    `ttl` in seconds is how long a request is valid after it was made. While `hears` says no, decisions would not be seen
    and nothing is written.
    """

    def __init__(
        self,
        bootstrap: str,
        codec: Codec,
        board: DecisionBoard,
        metrics: Metrics,
        *,
        shards: int,
        ttl: float,
        hears: Callable[[], bool] = lambda: True,
    ) -> None:
        self._bootstrap, self._codec, self._board, self._metrics = bootstrap, codec, board, metrics
        self._shards, self.ttl, self._hears = shards, ttl, hears
        self._producer: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[AIOKafkaProducer] | None = None

    async def submit(self, request: Request) -> RequestDecided:
        """The decision that lets the call go on: accepted, or a duplicate of an accepted one.

        Raises `ApiError`: the rejection, "idempotency_key_reuse", "request_expired", "decision_unknown" after `ttl` plus
        `PATIENCE` seconds, or "service_unavailable" when nothing was written.
        """
        value = self._encode(request)
        if not self._hears():
            raise unavailable("the event log is away; nothing was accepted")
        with self._board.expect(request.request.request_id) as future:
            try:
                async with asyncio.timeout(self.ttl + PATIENCE):
                    await self._send(request, value)
                    crash_points.reach("api.after_produce")
                    decision = await future
            except TimeoutError as error:
                self._metrics.decisions.labels("unknown").inc()
                raise unknown(request.request.task_id) from error
        self._metrics.decisions.labels(decision.outcome.value).inc()
        return settle(decision)

    async def close(self) -> None:
        """Stop the producer; what was handed to it is sent first."""
        if self._producer is not None:
            await self._discard(self._producer)

    def _encode(self, request: Request) -> bytes:
        try:
            value = self._codec.encode(request)
        except ContractError as error:
            raise ApiError("payload_too_large", str(error)) from error
        if len(value) > MAX_REQUEST:
            raise ApiError(
                "payload_too_large", f"the request needs {len(value)} bytes, at most {MAX_REQUEST} are possible"
            )
        return value

    async def _send(self, request: Request, value: bytes) -> None:
        producer = await self._started()
        account_id = request.envelope.account_id
        crash_points.reach("api.before_produce")
        try:
            await send(
                producer,
                REQUESTS.name,
                value,
                key=account_id,
                partition=shard_of(account_id, self._shards),
                headers=self._codec.headers(request, source=SOURCE),
                timeout=self.ttl + PATIENCE,
            )
        except InfrastructureError as error:
            if isinstance(error.__cause__, TimeoutError):
                raise TimeoutError from error
            log.warning("the producer is made anew: %s", error)
            await self._discard(producer)
            raise unknown(request.request.task_id) from error

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            if self._starting is None:
                self._starting = asyncio.create_task(self._start())
            self._producer = await asyncio.shield(self._starting)
        return self._producer

    async def _start(self) -> AIOKafkaProducer:
        producer = create_producer(self._bootstrap)
        try:
            await asyncio.wait_for(producer.start(), START_TIMEOUT)
        except (KafkaError, OSError, TimeoutError) as error:
            await producer.stop()
            raise unavailable("the event log is away; nothing was accepted") from error
        finally:
            self._starting = None
        return producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        try:
            await asyncio.wait_for(producer.stop(), START_TIMEOUT)
        except (KafkaError, TimeoutError) as error:
            log.warning("the producer did not stop cleanly: %r", error)


def unknown(task_id: str) -> ApiError:
    """The request may or may not be decided later; the task id tells."""
    return ApiError("decision_unknown", headers={"Retry-After": "1"}, members={"task_id": task_id})


def settle(decision: RequestDecided) -> RequestDecided:
    """The decision itself when the work exists, else the answer as an exception."""
    match decision.outcome:
        case Outcome.ACCEPTED:
            return decision
        case Outcome.DUPLICATE if decision.problem is None:
            return decision
        case Outcome.CONFLICT:
            raise ApiError("idempotency_key_reuse", members={"task_id": decision.task_id})
        case Outcome.EXPIRED:
            raise ApiError("request_expired", headers={"Retry-After": "1"}, members={"task_id": decision.task_id})
        case _ if decision.problem is not None:
            raise from_problem(decision.problem)
        case _:
            raise unknown(decision.task_id)
