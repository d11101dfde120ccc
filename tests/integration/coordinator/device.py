"""A device as the coordinator knows it: joins, beats, and answers commands at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas.common import Artifact
from schemas.entities import EngineInfo
from schemas.ids import new_id
from schemas.render import (
    DeviceHeartbeat,
    DeviceJoined,
    DeviceLeft,
    LeaseGranted,
    RenderCommand,
    StageReport,
    StageStartedReport,
    StageSucceededReport,
)
from tests.integration.coordinator.desk import Desk, envelope

BEAT = 0.4  # seconds


class Device:
    """`works` answers every command of the present epoch; without it the test reports by itself."""

    def __init__(self, desk: Desk, engine: str, *, works: bool) -> None:
        self.desk = desk
        self.device_id = f"device-{new_id()}"
        self.boot_id = new_id()
        self.engine = engine
        self.works = works
        self.epoch = 0
        self.beating = True
        self.answered: set[str] = set()

    async def join(self) -> LeaseGranted:
        joined = DeviceJoined(
            envelope=envelope(""),
            device_id=self.device_id,
            boot_id=self.boot_id,
            engines=[EngineInfo(name=self.engine)],
        )
        await self.desk.write(joined)
        (granted,) = await self.desk.expect(LeaseGranted, boot_id=self.boot_id)
        self.epoch = granted.epoch
        return granted

    async def leave(self) -> None:
        await self.desk.write(
            DeviceLeft(envelope=envelope(""), device_id=self.device_id, boot_id=self.boot_id, reason="test")
        )

    async def report(self, kind: type[StageReport], command: RenderCommand) -> None:
        fields = {name: getattr(command, name) for name in ("task_id", "stage_id", "attempt", "device_id", "epoch")}
        if kind is StageSucceededReport:
            artifact = Artifact(role="main", key=f"results/{command.command_id}.png", sha256="0" * 64, size=9)
            await self.desk.write(
                StageSucceededReport(envelope=envelope(""), artifacts=[artifact], render_ms=5, **fields)
            )
        else:
            await self.desk.write(kind(envelope=envelope(""), **fields))

    async def _beat(self) -> None:
        while True:
            if self.beating:
                beat = DeviceHeartbeat(
                    envelope=envelope(""), device_id=self.device_id, boot_id=self.boot_id, epoch=self.epoch
                )
                await self.desk.write(beat)
            await asyncio.sleep(BEAT)

    async def _work(self) -> None:
        while True:
            await self.desk.until(lambda: bool(self._open_commands()), patience=3_600)
            for command in self._open_commands():
                await self.report(StageStartedReport, command)
                await self.report(StageSucceededReport, command)
                self.answered.add(command.command_id)

    def _open_commands(self) -> list[RenderCommand]:
        commands = self.desk.commands[self.device_id]
        return [command for command in commands if command.command_id not in self.answered]


@asynccontextmanager
async def device(desk: Desk, engine: str, *, works: bool = False) -> AsyncIterator[Device]:
    """A device with a lease; it leaves at the end."""
    made = Device(desk, engine, works=works)
    await made.join()
    tasks = [asyncio.create_task(made._beat())] + ([asyncio.create_task(made._work())] if works else [])
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await made.leave()
