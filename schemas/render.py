"""The traffic between coordinator and devices: commands and leases one way, reports, heartbeats and progress the other."""

from __future__ import annotations

from datetime import datetime

from schemas.common import Artifact, FilmPlan, Problem, StageKind
from schemas.entities import EngineInfo
from schemas.envelope import EPOCH, LedgerRecord, Record


class RenderCommand(LedgerRecord, frozen=True, kw_only=True):
    """Render one stage. `inputs` are the files of the stages it depends on; outcomes name task, stage, attempt, epoch."""

    command_id: str = ""
    task_id: str = ""
    stage_id: str = ""
    attempt: int = 0
    device_id: str = ""
    epoch: int = 0
    kind: StageKind = StageKind.UNKNOWN
    engine: str = ""
    seed: int = 0
    sealed: bytes = b""
    inputs: list[Artifact] = []


class CancelCommand(LedgerRecord, frozen=True, kw_only=True):
    """Stop this attempt at its next step."""

    task_id: str = ""
    stage_id: str = ""
    attempt: int = 0
    device_id: str = ""
    epoch: int = 0


class LeaseGranted(LedgerRecord, frozen=True, kw_only=True):
    """The agent start `boot_id` owns the slot under `epoch`; it skips every command before this record."""

    device_id: str = ""
    boot_id: str = ""
    slot: int = 0
    epoch: int = 0


class LeaseRevoked(LedgerRecord, frozen=True, kw_only=True):
    """The lease `epoch` is over; whoever still holds it stops and joins again."""

    device_id: str = ""
    slot: int = 0
    epoch: int = 0
    reason: str = ""


class DeviceJoined(Record, frozen=True, kw_only=True):
    """An agent started and asks for a slot. `boot_id` is new for each start or rejoin."""

    device_id: str = ""
    boot_id: str = ""
    kind: str = "cpu"
    host: str = ""
    pid: int = 0
    memory_bytes: int = 0
    engines: list[EngineInfo] = []


class DeviceLeft(Record, frozen=True, kw_only=True):
    """The agent stops on purpose, or its supervisor saw it die."""

    device_id: str = ""
    boot_id: str = ""
    reason: str = ""


class StageReport(Record, frozen=True, kw_only=True):
    """Base of outcomes: idempotent by (task, stage, attempt, epoch)."""

    task_id: str = ""
    stage_id: str = ""
    attempt: int = 0
    device_id: str = ""
    epoch: int = 0


class StageStartedReport(StageReport, frozen=True, kw_only=True):
    """Rendering began."""


class StageSucceededReport(StageReport, frozen=True, kw_only=True):
    """All files are in the object store. `sealed` holds recipe, summary and data; `plan` is set by script stages of
    films; shot_count and duration_ms describe a storyboard. `loaded` are the engines whose models the device holds now,
    null when it does not tell.
    """

    artifacts: list[Artifact] = []
    render_ms: int = 0
    sealed: bytes = b""
    plan: FilmPlan | None = None
    shot_count: int = 0
    duration_ms: int = 0
    loaded: list[str] | None = None


class StageFailedReport(StageReport, frozen=True, kw_only=True):
    """The attempt failed. `cancelled` when it stopped because it was told to."""

    problem: Problem = Problem()
    cancelled: bool = False


class DeviceHeartbeat(Record, frozen=True, kw_only=True):
    """Alive every 2 s. `running` lists "task/stage/attempt"."""

    device_id: str = ""
    boot_id: str = ""
    epoch: int = 0
    memory_used: int = 0
    running: list[str] = []


class StageProgressed(Record, frozen=True, kw_only=True):
    """Progress of a running attempt, 0-100; `preview_key` "" = none."""

    task_id: str = ""
    stage_id: str = ""
    attempt: int = 0
    device_id: str = ""
    epoch: int = 0
    percent: float = 0.0
    step: int = 0
    steps: int = 0
    preview_key: str = ""
    sent_at: datetime = EPOCH


AnyRenderCommand = RenderCommand | CancelCommand | LeaseGranted | LeaseRevoked
AnyReport = DeviceJoined | DeviceLeft | StageStartedReport | StageSucceededReport | StageFailedReport
AnyHeartbeat = DeviceHeartbeat
AnyProgress = StageProgressed
