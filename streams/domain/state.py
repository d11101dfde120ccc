"""The state of one shard: everything the coordinator knows, a pure fold of the events it wrote itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from immutables import Map
from msgspec import Struct

from schemas.common import Artifact, Ending, Limits, Problem, StagePlan, TaskKind, Tier
from schemas.entities import DeviceStatus
from schemas.envelope import EPOCH
from streams.domain.agenda import Agenda
from streams.domain.queue import ReadyQueue, StageKey


class StageStatus(StrEnum):
    """waiting for other stages, ready in the queue, delayed until a retry, dispatched to a device, processing there,
    completed, or dropped because its task is being stopped.
    """

    WAITING = "waiting"
    READY = "ready"
    DELAYED = "delayed"
    DISPATCHED = "dispatched"
    PROCESSING = "processing"
    COMPLETED = "completed"
    DROPPED = "dropped"


OUTSTANDING = frozenset({StageStatus.DISPATCHED, StageStatus.PROCESSING})


class StageState(Struct, frozen=True, kw_only=True):
    """One stage. `attempt` numbers dispatches from 1 and fences outcomes; `failures` are the attempts that counted.

    It may run from `ready_at` on; since `passed_at` it has been passed over for the sake of a device's models. `avoid` are
    the devices that ran out of memory with it.
    """

    plan: StagePlan
    estimate_ms: int
    status: StageStatus = StageStatus.WAITING
    missing: int = 0
    attempt: int = 0
    failures: int = 0
    device_losses: int = 0
    device_id: str = ""
    epoch: int = 0
    command_id: str = ""
    ready_at: datetime = EPOCH
    passed_at: datetime = EPOCH
    artifacts: tuple[Artifact, ...] = ()
    engine_version: str = ""
    avoid: tuple[str, ...] = ()


class Reservation(Struct, frozen=True, kw_only=True):
    """What a task holds of its account's quota; it belongs to the day it was made."""

    resource: str
    amount: int
    day: str


class TaskState(Struct, frozen=True, kw_only=True):
    """One open task. `ending` is set while it is being stopped; no stage of a `held` one is in the queue.

    `characters` are the revisions it was accepted with, by id; `edits` the last requests that held or released it.
    """

    task_id: str
    account_id: str
    request_id: str
    kind: TaskKind
    priority: int
    stages: Map[str, StageState]
    entity_id: str = ""
    deadline: datetime | None = None
    reservation: Reservation | None = None
    ending: Ending | None = None
    problem: Problem | None = None
    started: bool = False
    held: bool = False
    edits: tuple[str, ...] = ()
    reuse_hash: str = ""
    characters: tuple[tuple[str, int], ...] = ()

    @property
    def status(self) -> str:
        """The API's word: queued, processing or cancelling."""
        if self.ending is Ending.CANCELLED:
            return "cancelling"
        return "processing" if self.started else "queued"

    @property
    def outstanding(self) -> list[StageState]:
        """Stages that are on a device now, by stage id."""
        on_devices = (stage for stage in self.stages.values() if stage.status in OUTSTANDING)
        return sorted(on_devices, key=lambda stage: stage.plan.stage_id)


class AccountState(Struct, frozen=True, kw_only=True):
    """An account and its limits. An `erased` one stays known, so that it can neither ask nor be made again."""

    account_id: str
    tier: Tier
    role: str
    limits: Limits
    erased: bool = False


class Usage(Struct, frozen=True, kw_only=True):
    """One account's day of one resource: charged and set aside."""

    used: int = 0
    reserved: int = 0


class DeviceState(Struct, frozen=True, kw_only=True):
    """A device and what it was given. `outstanding` maps stages to estimated milliseconds, `versions` engines to theirs.

    `load_ms` is the sum of what is outstanding, `models` the engines it was given work for in this lease, the last one last;
    `loaded` the engines whose models it said it holds, and those it was given work for since, None before it said anything.
    """

    device_id: str
    boot_id: str
    slot: int
    epoch: int
    status: DeviceStatus
    engines: frozenset[str] = frozenset()
    versions: Map[str, str] = Map()
    outstanding: Map[StageKey, int] = Map()
    load_ms: int = 0
    models: tuple[str, ...] = ()
    loaded: tuple[str, ...] | None = None


class CharacterState(Struct, frozen=True, kw_only=True):
    """Who owns a character and whether shots may use it. An `erased` one stays known, so that it is not made again."""

    account_id: str
    ready: bool = False
    revision: int = 0
    erased: bool = False


class Remembered(Struct, frozen=True, kw_only=True, gc=False):
    """The answer to a request, kept so that a repeat gets the same one."""

    account_id: str
    body_hash: str
    kind: TaskKind = TaskKind.UNKNOWN
    status: str = "queued"
    problem: Problem | None = None
    estimated_ms: int = 0


class Page(Struct, frozen=True, kw_only=True, gc=False):
    """Requests to be forgotten together, the first of them answered at `since`, the last at `until`."""

    since: datetime
    until: datetime
    keys: tuple[str, ...]


class StoredResult(Struct, frozen=True, kw_only=True):
    """What a repeatable task made, with the engine versions and character revisions it was made with.

    `place` is its entry in the log of results.
    """

    task_id: str
    at: datetime
    place: int
    outputs: tuple[Artifact, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    characters: tuple[tuple[str, int], ...] = ()


ResultKey = tuple[str, str]  # (account_id, reuse hash)


class ShardState(Struct, frozen=True, kw_only=True):
    """All of one shard. Persistent maps: evolving shares all that did not change, old states stay valid.

    `orphans` are stages whose device lost its lease, with the reason, until they are reclaimed; `remembered` is pruned
    by `memory`, pages of ids from `memory_head` on; `rates` are milliseconds per unit of work by "engine:kind";
    `delayed` holds stages until their retry, `deadlines` tasks as (task id, "").
    `webhooks` are the (webhook id, secret id) of an account. `engine_gone_at` says since when no live device runs an engine.
    `results` are kept like `remembered`, in `result_log`.
    """

    accounts: Map[str, AccountState] = Map()
    usage: Map[tuple[str, str, str], Usage] = Map()
    tasks: Map[str, TaskState] = Map()
    queue: ReadyQueue = ReadyQueue()
    delayed: Agenda = Agenda()
    deadlines: Agenda = Agenda()
    last_served: Map[str, int] = Map()
    served: int = 0
    devices: Map[str, DeviceState] = Map()
    slots: Map[int, str] = Map()
    orphans: Map[StageKey, str] = Map()
    epochs: Map[int, int] = Map()
    characters: Map[str, CharacterState] = Map()
    webhooks: Map[str, tuple[tuple[str, str], ...]] = Map()
    remembered: Map[str, Remembered] = Map()
    memory: Map[int, Page] = Map()
    memory_head: int = 0
    memory_tail: int = 0
    results: Map[ResultKey, StoredResult] = Map()
    result_log: Map[int, tuple[datetime, ResultKey]] = Map()
    result_head: int = 0
    result_tail: int = 0
    rates: Map[str, float] = Map()
    engine_gone_at: Map[str, datetime] = Map()
    backlog_ms: int = 0

    def live_devices(self) -> list[DeviceState]:
        """Devices that hold a lease."""
        return [device for device in self.devices.values() if device.status is DeviceStatus.LIVE]
