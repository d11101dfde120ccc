"""The life of an agent: join, hold the lease, join again when it is lost, leave when told to."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from aiokafka.errors import KafkaError
from msgspec import Struct

from gpu_agents import disk
from gpu_agents.worker import device as devices
from gpu_agents.worker.clock import utc_now
from gpu_agents.worker.commands import CommandBook
from gpu_agents.worker.decoding import Decoder
from gpu_agents.worker.device import Device
from gpu_agents.worker.execution import Execution, Tools
from gpu_agents.worker.heartbeat import Heartbeat
from gpu_agents.worker.joining import join, open_slot
from gpu_agents.worker.lease import Lease, LeaseLostError
from gpu_agents.worker.session import Session, lasting
from infra.kafka import consuming
from infra.lives import Life, LifeFile
from infra.settings import Settings
from schemas.entities import EngineInfo
from schemas.envelope import Envelope
from schemas.errors import InfrastructureError
from schemas.ids import derived_id, new_id
from schemas.render import DeviceJoined, DeviceLeft

log = logging.getLogger(__name__)
PAUSE = 1.0  # seconds before joining again
FETCH_WAIT_MS = 250  # commands are taken as soon as they come, so that no unread record holds the next fetch back
DRAIN_TIMEOUT = 1.5
LEAVE_TIMEOUT = 1.5


class Profile(Struct, frozen=True, kw_only=True):
    """What the agent tells of its device."""

    device: Device
    memory_bytes: int
    engines: list[EngineInfo]


class Agent:
    """`on_lease` is called at each granted lease; `life_file` tells the supervisor whose end it will have to report."""

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        decoder: Decoder,
        tools: Tools,
        on_lease: Callable[[], None],
        life_file: LifeFile,
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._decoder = decoder
        self._tools = tools
        self._on_lease = on_lease
        self._life_file = life_file
        self._boot_id = ""
        self._leaving = False
        self._execution: Execution | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then leave within five seconds. An unexpected error ends it at once."""
        serving = asyncio.create_task(self._serve(), name="serve")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done() and self._execution is not None:
                await self._execution.drain(DRAIN_TIMEOUT)
            elif serving.cancelled():
                raise RuntimeError("serving was cancelled by something that it awaited")
        finally:
            self._leaving = True
            stopping.cancel()
            serving.cancel()
            reason = "stopped" if stop.is_set() else "failed"
            await self._leave(serving, reason)

    async def _leave(self, serving: asyncio.Task[None], reason: str) -> None:
        await asyncio.wait({serving})
        await self._tools.child.kill()
        await self._tell_leaving(reason)
        await self._tools.publisher.stop()
        if not serving.cancelled():
            serving.result()

    async def _serve(self) -> None:
        while not self._leaving:  # a lease lost in the moment of the order to leave takes the place of the cancellation
            self._boot_id = new_id()
            self._life_file.note(Life(device_id=self._profile.device.device_id, boot_id=self._boot_id))
            try:
                await lasting(self._hold_lease)
            except* LeaseLostError as lost:
                log.warning("lease lost: %s", "; ".join(map(str, lost.exceptions)))
            except* disk.NoRoomError as full:
                log.warning("the device leaves until there is room: %s", first_of(full))
                await self._tell_leaving(str(first_of(full)))
            except* (InfrastructureError, KafkaError) as away:
                log.warning("no lease: %s", "; ".join(map(repr, away.exceptions)))
            self._execution = None
            await asyncio.sleep(PAUSE)

    async def _hold_lease(self) -> None:
        fresh_folder(self._tools.scratch)  # before asking: a device that cannot write is given no work
        reason = await asyncio.to_thread(disk.lack_of_room, self._tools.scratch)
        self._tools.troubles.tell("disk", reason)
        if reason:
            raise InfrastructureError(reason)
        async with consuming(self._settings.kafka, fetch_max_wait_ms=FETCH_WAIT_MS) as consumer:
            lease, position = await join(consumer, self._decoder, self._tools.publisher, self._request())
            log.info("lease granted: slot %d, epoch %d", lease.slot, lease.epoch)
            await open_slot(consumer, lease, position, utc_now())
            book = CommandBook()
            execution = self._execution = Execution(book, self._tools)
            publisher = self._tools.publisher
            heartbeat = self._heartbeat(lease, book)
            self._on_lease()
            await Session(lease, consumer, self._decoder, publisher, book, execution, heartbeat).run()

    def _heartbeat(self, lease: Lease, book: CommandBook) -> Heartbeat:
        return Heartbeat(
            lease,
            self._tools.publisher.send,
            interval=self._settings.heartbeat_interval,
            lease_timeout=self._settings.lease_timeout,
            running=book.running,
            memory_used=lambda: devices.resident_memory(self._tools.child.pid) + devices.resident_memory(os.getpid()),
        )

    def _request(self) -> DeviceJoined:
        profile = self._profile
        return DeviceJoined(
            envelope=self._envelope("DeviceJoined"),
            device_id=profile.device.device_id,
            boot_id=self._boot_id,
            kind=profile.device.kind,
            host=platform.node(),
            pid=os.getpid(),
            memory_bytes=profile.memory_bytes,
            engines=profile.engines,
        )

    async def _tell_leaving(self, reason: str) -> None:
        device_id = self._profile.device.device_id
        left = DeviceLeft(
            envelope=self._envelope("DeviceLeft"), device_id=device_id, boot_id=self._boot_id, reason=reason
        )
        try:
            await self._tools.publisher.send(left, LEAVE_TIMEOUT)
        except InfrastructureError as error:
            log.warning("leaving without a word, the lease will run out: %s", error)
            return
        self._life_file.forget()

    def _envelope(self, kind: str) -> Envelope:
        device_id = self._profile.device.device_id
        event_id = derived_id(device_id, self._boot_id, kind)
        return Envelope(event_id=event_id, aggregate_id=device_id, occurred_at=utc_now())


def first_of(errors: BaseExceptionGroup[Exception]) -> BaseException:
    """The first error in a group of groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def fresh_folder(path: Path) -> None:
    """An empty folder, whatever an earlier life left there. Raises `InfrastructureError` when the disk does not allow it."""
    try:
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise InfrastructureError(f"the folder of working files cannot be made: {error}") from error
