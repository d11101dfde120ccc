"""Simulated render devices: they read committed commands after their lease and report, late, wrongly, or never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from schemas.common import Artifact, FilmPlan, Problem, StageKind
from schemas.entities import EngineInfo
from schemas.envelope import Envelope, Record
from schemas.render import (
    CancelCommand,
    DeviceJoined,
    DeviceLeft,
    LeaseGranted,
    LeaseRevoked,
    RenderCommand,
    StageFailedReport,
    StageStartedReport,
    StageSucceededReport,
)
from tests.faults.simulation.log import MemoryLog
from tests.faults.simulation.memory import OUT_OF_MEMORY
from tests.faults.simulation.requests import film

JOIN_AGAIN_S = 15.0  # seconds after which a start without a lease asks again


@dataclass
class Job:
    """One attempt on the device, done at the monotonic time `until`."""

    command: RenderCommand
    until: float
    how: str
    started: bool = False


@dataclass
class Device:
    """`send` puts a report on its way; `risk` is the chance of an attempt to go wrong, 0 once the world is healed."""

    device_id: str
    engines: tuple[str, ...]
    log: MemoryLog
    rng: Random
    send: Callable[[Record], None]
    risk: float
    alive: bool = False
    silent_until: float = 0.0
    boots: int = 0
    boot_id: str = ""
    epoch: int = 0
    asked_at: float = 0.0
    read: int = 0
    jobs: dict[tuple[str, str, int], Job] = field(default_factory=dict)

    def start(self, at: float) -> None:
        """Start, or start anew, and ask for a slot."""
        self.boots += 1
        self.boot_id = f"{self.device_id}-{self.boots}"
        self.alive, self.silent_until, self.epoch, self.asked_at = True, 0.0, 0, at
        self.jobs.clear()
        self.read = len(self.log.commands)
        engines = [EngineInfo(name=name) for name in self.engines]
        self.send(DeviceJoined(envelope=_envelope(), device_id=self.device_id, boot_id=self.boot_id, engines=engines))

    def die(self, *, seen: bool) -> None:
        """Kill it; a supervisor may see that."""
        if self.alive and seen:
            self.send(DeviceLeft(envelope=_envelope(), device_id=self.device_id, boot_id=self.boot_id, reason="died"))
        self.alive = False
        self.jobs.clear()

    def act(self, at: float) -> bool:
        """Work until `at`; whether it is there to send heartbeats. One that was stopped reports before it reads."""
        if not self.alive or at < self.silent_until:
            return False
        self._finish(at)
        if self.alive:
            self._read(at)
        if self.alive and self.epoch == 0 and at - self.asked_at > JOIN_AGAIN_S:
            self.start(at)
        return self.alive and self.epoch > 0

    def _read(self, at: float) -> None:
        while self.read < len(self.log.commands):
            command = self.log.commands[self.read]
            self.read += 1
            match command:
                case LeaseGranted(boot_id=self.boot_id):
                    self.epoch = command.epoch
                case LeaseRevoked(device_id=self.device_id, epoch=self.epoch):
                    self.start(at)
                    return
                case RenderCommand(device_id=self.device_id, epoch=self.epoch):
                    self._take(command, at)
                case CancelCommand(device_id=self.device_id, epoch=self.epoch):
                    self._cancel(command)

    def _take(self, command: RenderCommand, at: float) -> None:
        how = "succeed"
        if self.rng.random() < self.risk:
            how = self.rng.choice(("fail", "fail", "run out", "break", "die", "hang", "stop itself"))
        until = at + self.rng.uniform(0.02, 1.5) + (40 if how == "hang" else 0)
        self.jobs[command.task_id, command.stage_id, command.attempt] = Job(command, until, how)

    def _cancel(self, command: CancelCommand) -> None:
        key = (command.task_id, command.stage_id, command.attempt)
        if key in self.jobs and self.rng.random() < 0.8:  # else it is too far to stop
            job = self.jobs.pop(key)
            self.send(StageFailedReport(**_about(job.command), cancelled=True))

    def _finish(self, at: float) -> None:
        for key, job in list(self.jobs.items()):
            if not job.started:
                job.started = True
                self.send(StageStartedReport(**_about(job.command)))
            if at < job.until:
                continue
            if job.how == "die":
                self.die(seen=self.rng.random() < 0.5)
                return
            del self.jobs[key]
            self.send(_outcome(job))


def _outcome(job: Job) -> Record:
    about = _about(job.command)
    if job.how == "stop itself":
        return StageFailedReport(**about, cancelled=True)
    if job.how != "succeed":
        code = OUT_OF_MEMORY if job.how == "run out" else ""
        return StageFailedReport(**about, problem=Problem(type="RenderError", code=code, retryable=job.how != "break"))
    key = f"results/{job.command.command_id}"
    plan: FilmPlan | None = film(2) if job.command.kind is StageKind.SCRIPT else None
    artifact = Artifact(role="main", key=key, sha256="0" * 64, size=9)
    loaded = [job.command.engine] if job.command.attempt % 2 else None  # some agents tell, some do not
    return StageSucceededReport(**about, artifacts=[artifact], render_ms=100, plan=plan, loaded=loaded)


def _about(command: RenderCommand) -> dict[str, Any]:
    return {
        "envelope": _envelope(),
        "task_id": command.task_id,
        "stage_id": command.stage_id,
        "attempt": command.attempt,
        "device_id": command.device_id,
        "epoch": command.epoch,
    }


def _envelope() -> Envelope:
    return Envelope(event_id="report")
