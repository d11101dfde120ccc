"""The time of one lease: read the slot and the devices, keep the heart beating, run the commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn, assert_never

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from gpu_agents.worker import outcomes
from gpu_agents.worker.clock import utc_now
from gpu_agents.worker.commands import CancelEffect, CommandBook
from gpu_agents.worker.decoding import Decoder
from gpu_agents.worker.execution import Execution
from gpu_agents.worker.heartbeat import Heartbeat
from gpu_agents.worker.lease import Fence, Lease, LeaseLostError, Verdict, lost_by
from gpu_agents.worker.publisher import Publisher
from schemas.envelope import Record
from schemas.errors import ContractError
from schemas.render import CancelCommand, RenderCommand
from schemas.topics import DEVICES

log = logging.getLogger(__name__)
_POLL_MS = 1000


class Session:
    """Ends with `LeaseLostError`, or when it is cancelled."""

    def __init__(
        self,
        lease: Lease,
        consumer: AIOKafkaConsumer,
        decoder: Decoder,
        publisher: Publisher,
        book: CommandBook,
        execution: Execution,
        heartbeat: Heartbeat,
    ) -> None:
        self._lease = lease
        self._consumer = consumer
        self._decoder = decoder
        self._publisher = publisher
        self._book = book
        self._execution = execution
        self._heartbeat = heartbeat
        self._fence = Fence(lease)
        self._reports: asyncio.Queue[Record] = asyncio.Queue()

    async def run(self) -> None:
        """Hold the lease. Raises `LeaseLostError`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(lasting(self._heartbeat.run), name="heartbeat")
            group.create_task(lasting(self._execution.run), name="execution")
            group.create_task(lasting(self._tell), name="reports")
            group.create_task(lasting(self._read), name="commands")

    async def _read(self) -> NoReturn:
        while True:
            for messages in (await self._consumer.getmany(timeout_ms=_POLL_MS)).values():
                for message in messages:
                    await self._take(message)

    async def _take(self, message: ConsumerRecord) -> None:
        try:
            record = await self._decoder.decode(message)
        except ContractError as error:
            log.warning("record %d of %s is unreadable: %s", message.offset, message.topic, error)
            return
        if message.topic == DEVICES.name:
            if lost_by(record, self._lease):
                raise LeaseLostError("the device's state says that the lease is over")
            return
        match self._fence.judge(record):
            case Verdict.SKIP:
                return
            case Verdict.LOST:
                raise LeaseLostError(f"{type(record).__name__} on the slot ends the lease")
            case Verdict.OURS:
                await self._obey(record)
            case other:
                assert_never(other)

    async def _obey(self, record: Record) -> None:
        if isinstance(record, RenderCommand):
            known = self._book.accept(record)
            if known is not None:
                self._reports.put_nowait(known)
            self._execution.wake()
        elif isinstance(record, CancelCommand):
            await self._cancel(record)

    async def _cancel(self, order: CancelCommand) -> None:
        effect, dropped = self._book.cancel(order)
        match effect:
            case CancelEffect.DROPPED:
                assert dropped is not None
                outcome = outcomes.cancelled(dropped, utc_now())
                self._book.finish(dropped, outcome)
                self._reports.put_nowait(outcome)
            case CancelEffect.STOP | CancelEffect.WITHDRAW:
                await self._execution.cancel(outcomes.key_of(order.task_id, order.stage_id, order.attempt))
            case CancelEffect.REPEAT:
                known = self._book.outcome(order)
                assert known is not None
                self._reports.put_nowait(known)
            case CancelEffect.UNKNOWN:
                self._reports.put_nowait(outcomes.cancelled(_command_of(order), utc_now()))
            case other:
                assert_never(other)

    async def _tell(self) -> NoReturn:
        while True:
            await self._publisher.deliver([await self._reports.get()])


async def lasting(work: Callable[[], Awaitable[object]]) -> None:
    """Await a part of a session. When something that it awaits is cancelled, the session ends, not this part alone.

    A task group takes a part that ended as cancelled for finished. Raises `LeaseLostError`.
    """
    try:
        await work()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise LeaseLostError("a part of the session was interrupted") from error


def _command_of(order: CancelCommand) -> RenderCommand:
    """The command an order names, for a report about something that is not here."""
    return RenderCommand(
        envelope=order.envelope,
        task_id=order.task_id,
        stage_id=order.stage_id,
        attempt=order.attempt,
        device_id=order.device_id,
        epoch=order.epoch,
    )
