"""The coordinator's half of the conversation, played by a test over a real broker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import TopicPartition

from infra.kafka import assigned, create_producer, send
from infra.keystore import open_keystore, seal, unseal_json
from infra.registry import load_codec
from infra.settings import Settings
from schemas.entities import DeviceChanged, DeviceStatus
from schemas.envelope import Envelope, Record
from schemas.ids import new_id
from schemas.purposes import aad
from schemas.render import CancelCommand, DeviceJoined, LeaseGranted, LeaseRevoked, RenderCommand
from schemas.serde import Codec
from schemas.specs import ShotSpec, Spec
from schemas.topics import TOPIC_OF

R = TypeVar("R", bound=Record)
ROOT = Path(__file__).parents[3]
ENGINE = "puppet=tests.unit.gpu_agents.engines:PuppetEngine"
PATIENCE = 20.0  # seconds for anything an agent is to do


class Desk:
    """Grants leases, sends commands, and remembers every report, heartbeat and progress of one device."""

    def __init__(self, settings: Settings, codec: Codec, device_id: str, slot: int) -> None:
        self.settings = settings
        self.codec = codec
        self.device_id = device_id
        self.slot = slot
        self.epoch = 0
        self.boot_id = ""
        self.account = new_id()
        self.keystore = open_keystore(settings, {})
        self.key = self.keystore.account_key(self.account, create=True)
        self.seen: list[Record] = []
        self._news = asyncio.Condition()
        self._producer = create_producer(settings.kafka)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Desk]:
        await self._producer.start()
        places: dict[TopicPartition, int | None] = {
            TopicPartition(name, 0): None for name in ("reports", "heartbeats", "progress")
        }
        async with assigned(self.settings.kafka, places) as consumer:
            for place in places:
                await consumer.position(place)  # the ends are settled before anybody writes
            reading = asyncio.create_task(self._read(consumer))
            try:
                yield self
            finally:
                reading.cancel()
                await self._producer.stop()
                self.keystore.close()

    async def _read(self, consumer: Any) -> None:
        while True:
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                async with self._news:
                    for message in messages:
                        if getattr(record := self.codec.decode(message.value), "device_id", "") == self.device_id:
                            self.seen.append(record)
                    self._news.notify_all()

    def all(self, kind: type[R], wanted: Callable[[R], bool] = lambda _: True) -> list[R]:
        return [record for record in self.seen if type(record) is kind and wanted(record)]

    async def expect(
        self, kind: type[R], wanted: Callable[[R], bool] = lambda _: True, count: int = 1, patience: float = PATIENCE
    ) -> list[R]:
        """Wait for `count` records of a kind."""
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: len(self.all(kind, wanted)) >= count), patience)
            except TimeoutError:
                raise AssertionError(f"no {count} {kind.__name__} within {patience} s; seen: {self.seen}") from None
            return self.all(kind, wanted)

    async def write(self, record: Record, partition: int | None = None) -> None:
        topic = TOPIC_OF[type(record)].name
        place = self.slot if topic == "render.commands" else 0
        await send(
            self._producer,
            topic,
            self.codec.encode(record),
            key=self.device_id,
            partition=place if partition is None else partition,
            headers=self.codec.headers(record, "test"),
        )

    async def write_raw(self, topic: str, partition: int, value: bytes) -> int:
        return await send(self._producer, topic, value, key="x", partition=partition, headers=[("trace", b"7")])

    async def grant(self, but: str = "") -> DeviceJoined:
        """Answer the next question for a slot that does not come from start `but`."""
        joined = (await self.expect(DeviceJoined, lambda j: j.boot_id != but))[-1]
        self.boot_id, self.epoch = joined.boot_id, self.epoch + 1
        common: dict[str, Any] = {
            "device_id": self.device_id,
            "boot_id": self.boot_id,
            "slot": self.slot,
            "epoch": self.epoch,
        }
        await self.write(DeviceChanged(status=DeviceStatus.LIVE, **common))
        await self.write(LeaseGranted(**common))
        return joined

    async def revoke(self) -> None:
        await self.write(LeaseRevoked(device_id=self.device_id, slot=self.slot, epoch=self.epoch, reason="test"))

    def command(self, spec: Spec, engine: str = "puppet", **more: Any) -> RenderCommand:
        fields: dict[str, Any] = {"task_id": new_id(), "stage_id": "shot-01", "attempt": 1, "seed": 5} | more
        return RenderCommand(
            envelope=Envelope(event_id=new_id(), account_id=self.account, correlation_id="request"),
            command_id=new_id(),
            device_id=self.device_id,
            epoch=fields.pop("epoch", self.epoch),
            engine=engine,
            sealed=seal(self.key, spec, aad(self.account, "spec")),
            **fields,
        )

    async def order(self, prompt: str, **more: Any) -> RenderCommand:
        """Send a command for the puppet engine, which does what the prompt says."""
        command = self.command(ShotSpec(prompt=prompt), **more)
        await self.write(command)
        return command

    async def cancel(self, command: RenderCommand) -> None:
        fields = {name: getattr(command, name) for name in ("task_id", "stage_id", "attempt", "device_id", "epoch")}
        await self.write(CancelCommand(envelope=command.envelope, **fields))

    def open_result(self, sealed: bytes) -> dict[str, Any]:
        return unseal_json(self.key, sealed, aad(self.account, "result"))


@asynccontextmanager
async def agent_process(
    settings: Settings, device_id: str, offer: Sequence[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real agent that offers some engines and the puppet; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gpu_agents", "--device", device_id),
        *(word for name in ("puppet", *offer) for word in ("--offer", name)),
        *("--engine", ENGINE),
        env=dict(os.environ) | settings.to_env(),
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


@asynccontextmanager
async def desk_and_agent(
    settings: Settings, device_id: str, slot: int, offer: Sequence[str] = ("null",)
) -> AsyncIterator[tuple[Desk, asyncio.subprocess.Process]]:
    """A desk and an agent that holds a lease."""
    async with (
        Desk(settings, await load_codec(settings), device_id, slot).open() as desk,
        agent_process(settings, device_id, offer) as process,
    ):
        await desk.grant()
        yield desk, process
