"""A supervisor that sees a device's process end tells the coordinator, which then waits for no lease to run out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path

from aiokafka.errors import KafkaError

from infra.kafka import create_producer, send
from infra.lives import Life, read_life
from infra.local.process import Action
from infra.registry import cached_codec
from infra.settings import Settings
from schemas.envelope import Envelope
from schemas.errors import ConfigurationError, StoryreelError
from schemas.ids import derived_id
from schemas.render import DeviceLeft
from schemas.topics import REPORTS

REASON = "its supervisor saw its process end"
SOURCE = "supervisor"
_TIMEOUT = 3.0  # seconds; the restart waits for it

log = logging.getLogger(__name__)


def report_end(settings: Settings, life_file: Path) -> Action:
    """What to do after a device's process ended: report its last life as left, unless it did so itself.

    A report that fails is a warning; then the lease runs out by itself.
    """

    async def report() -> None:
        life = read_life(life_file)
        if life is None:
            return
        try:
            await asyncio.wait_for(_send(settings, left(life, datetime.now(UTC))), _TIMEOUT)
        except (StoryreelError, KafkaError, OSError, TimeoutError) as error:
            log.warning("the end of %s is not reported, its lease will run out: %r", life.device_id, error)
            return
        life_file.unlink(missing_ok=True)

    return report


def left(life: Life, now: datetime) -> DeviceLeft:
    """The report; a life has one id for it, whoever tells it and however often."""
    event_id = derived_id(life.device_id, life.boot_id, DeviceLeft.__name__)
    envelope = Envelope(event_id=event_id, aggregate_id=life.device_id, occurred_at=now)
    return DeviceLeft(envelope=envelope, device_id=life.device_id, boot_id=life.boot_id, reason=REASON)


async def _send(settings: Settings, report: DeviceLeft) -> None:
    codec = cached_codec(settings)
    if codec is None:  # asking the registry could take longer than the lease
        raise ConfigurationError("the ids of the schemas are not known")
    producer = create_producer(settings.kafka)
    try:
        await producer.start()
        headers = codec.headers(report, SOURCE)
        await send(producer, REPORTS.name, codec.encode(report), key=report.device_id, partition=0, headers=headers)
    finally:
        with contextlib.suppress(KafkaError, TimeoutError):  # it never connected: nothing to flush
            await asyncio.wait_for(producer.stop(), 0.5)
