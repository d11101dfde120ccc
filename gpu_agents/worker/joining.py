"""How a start of the agent gets a slot, and where it begins to read."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta
from typing import NoReturn

from aiokafka import AIOKafkaConsumer, TopicPartition

from gpu_agents.worker.decoding import Decoder
from gpu_agents.worker.lease import Lease, granted
from gpu_agents.worker.publisher import Publisher
from infra.kafka import committed_end
from schemas.errors import ContractError, InfrastructureError
from schemas.render import DeviceJoined
from schemas.topics import DEVICES, RENDER_COMMANDS

log = logging.getLogger(__name__)
ASK_INTERVAL = 3.0  # seconds
LOOK_BACK = timedelta(minutes=10)  # clocks of hosts may differ by less
_DEVICES = TopicPartition(DEVICES.name, 0)
_POLL_MS = 1000


async def join(
    consumer: AIOKafkaConsumer, decoder: Decoder, publisher: Publisher, request: DeviceJoined
) -> tuple[Lease, int]:
    """Ask for a slot until it is granted; return the lease and the next offset of `devices` to read.

    The end of `devices` is taken before the first question, so the answer cannot be missed.
    """
    consumer.assign([_DEVICES])
    consumer.seek(_DEVICES, (await committed_end(consumer, [_DEVICES]))[_DEVICES])
    asking = asyncio.create_task(_ask(publisher, request), name="ask for a slot")
    try:
        while True:
            for message in (await consumer.getmany(_DEVICES, timeout_ms=_POLL_MS)).get(_DEVICES, []):
                try:
                    record = await decoder.decode(message)
                except ContractError as error:
                    log.warning("record %d of %s is unreadable: %s", message.offset, message.topic, error)
                    continue
                lease = granted(record, request.device_id, request.boot_id)
                if lease is not None:
                    return lease, message.offset + 1
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking


async def open_slot(consumer: AIOKafkaConsumer, lease: Lease, devices_offset: int, now: datetime) -> None:
    """Read the slot's commands from some minutes ago, which is before the grant, and go on with `devices`."""
    slot = TopicPartition(RENDER_COMMANDS.name, lease.slot)
    since = int((now - LOOK_BACK).timestamp() * 1000)
    found = (await consumer.offsets_for_times({slot: since}))[slot]
    first = (await consumer.beginning_offsets([slot]))[slot] if found is None else found.offset
    consumer.assign([_DEVICES, slot])
    consumer.seek(_DEVICES, devices_offset)
    consumer.seek(slot, first)


async def _ask(publisher: Publisher, request: DeviceJoined) -> NoReturn:
    while True:
        try:
            await publisher.send(request, timeout=ASK_INTERVAL)
        except InfrastructureError as error:
            log.warning("cannot ask for a slot: %s", error)
        await asyncio.sleep(ASK_INTERVAL)
