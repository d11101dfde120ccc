"""Given, when, then for the coordinator: histories are told in inputs, outcomes are read off events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from schemas.common import Artifact, FilmPlan, Problem, StageKind, StagePlan, Tier
from schemas.entities import EngineInfo
from schemas.envelope import Envelope, LedgerRecord, Record
from schemas.render import (
    DeviceJoined,
    DeviceLeft,
    StageFailedReport,
    StageReport,
    StageStartedReport,
    StageSucceededReport,
)
from schemas.requests import (
    AnyRequest,
    CancellationRequested,
    HoldRequested,
    ImageRequested,
    QuotaLimitRequested,
    ReleaseRequested,
    RequestInfo,
    UserRegistrationRequested,
    VideoRequested,
)
from streams.domain.decider import run
from streams.domain.devices import LeaseLapsed
from streams.domain.policy import Policy
from streams.domain.state import ShardState

E = TypeVar("E", bound=LedgerRecord)
R = TypeVar("R", bound=StageReport)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Shard:
    """A shard under test with a clock of its own; every call returns the events it caused."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.state = ShardState()
        self.policy = policy or Policy()
        self.now = NOON
        self.history: list[LedgerRecord] = []
        self._requests = 0

    def when(self, event: Record | LeaseLapsed | None) -> list[LedgerRecord]:
        """Decide one input and everything that follows from the state."""
        self.now += timedelta(milliseconds=1)
        events = []
        for drafted, state in run(self.state, event, self.now, self.policy):
            self.state = state
            events.append(drafted)
        self.history += events
        return events

    def wait(self, seconds: float) -> list[LedgerRecord]:
        """Let time pass, then let the state call for what is due."""
        self.now += timedelta(seconds=seconds)
        return self.when(None)

    def info(self, task_id: str, body_hash: str = "body", ttl: float = 1.5) -> RequestInfo:
        """A fresh request about a task."""
        self._requests += 1
        valid_until = self.now + timedelta(seconds=ttl)
        return RequestInfo(
            request_id=f"request-{self._requests}", task_id=task_id, body_hash=body_hash, valid_until=valid_until
        )

    def user(self, account: str = "ann", tier: Tier = Tier.NORMAL) -> list[LedgerRecord]:
        """Register an account."""
        return self.when(
            UserRegistrationRequested(envelope=_of(account), request=self.info(account), tier=tier, new_key_id="key")
        )

    def device(
        self,
        device: str = "cpu-0",
        boot: str = "boot-1",
        engines: Sequence[str] = ("null", "animatic"),
        version: str = "1",
    ) -> list[LedgerRecord]:
        """Let a device join."""
        infos = [EngineInfo(name=name, version=version) for name in engines]
        return self.when(DeviceJoined(envelope=_of(""), device_id=device, boot_id=boot, engines=infos))

    def leaves(self, device: str = "cpu-0", boot: str = "boot-1") -> list[LedgerRecord]:
        """Let a device leave."""
        return self.when(DeviceLeft(envelope=_of(""), device_id=device, boot_id=boot, reason="stopped"))

    def images(self, task: str, account: str = "ann", count: int = 1, **fields: Any) -> list[LedgerRecord]:
        """Ask for pictures."""
        return self.when(self.image_request(task, account, count, **fields))

    def image_request(self, task: str, account: str = "ann", count: int = 1, **fields: Any) -> ImageRequested:
        """The request itself."""
        info = self.info(task, fields.pop("body_hash", "body"), fields.pop("ttl", 1.5))
        info = replace(info, retry_of=fields.pop("retry_of", ""), reuse_hash=fields.pop("reuse", ""))
        stages = [
            StagePlan(stage_id=f"shot-{n:02d}", kind=StageKind.SHOT, engine=fields.get("engine", "null"), deliver=True)
            for n in range(1, count + 1)
        ]
        fields.pop("engine", None)
        defaults: dict[str, Any] = {"width": 512, "height": 512}
        return ImageRequested(envelope=_of(account), request=info, stages=stages, **(defaults | fields))

    def film(self, task: str, account: str = "ann", shots: int = 2, **fields: Any) -> list[LedgerRecord]:
        """Ask for a film of `shots` shots."""
        return self.when(
            VideoRequested(
                envelope=_of(account),
                request=self.info(task),
                plan=film_plan(shots, **fields),
                width=1280,
                height=768,
            )
        )

    def cancel(self, task: str, account: str = "ann") -> list[LedgerRecord]:
        """Ask to stop a task."""
        return self.when(CancellationRequested(envelope=_of(account), request=self.info(task)))

    def hold(self, task: str, account: str = "ann", by: str = "", role: str = "") -> list[LedgerRecord]:
        """Ask to hold a task."""
        return self.when(HoldRequested(envelope=_of(account), request=self._asked(task, by, role)))

    def release(self, task: str, account: str = "ann", by: str = "", role: str = "") -> list[LedgerRecord]:
        """Ask to let a held task go on."""
        return self.when(ReleaseRequested(envelope=_of(account), request=self._asked(task, by, role)))

    def _asked(self, task: str, by: str, role: str) -> RequestInfo:
        return replace(self.info(task), asked_by=by, asked_as=role)

    def limit(self, resource: str, limit: int, account: str = "ann") -> list[LedgerRecord]:
        """Change a daily limit."""
        return self.when(
            QuotaLimitRequested(
                envelope=_of(account), request=self.info(account + resource), resource=resource, limit=limit
            )
        )

    def report(self, kind: type[R], task: str, stage: str = "shot-01", **fields: Any) -> list[LedgerRecord]:
        """What the device that has the stage now says about it."""
        return self.when(self.report_of(kind, task, stage, **fields))

    def report_of(self, kind: type[R], task: str, stage: str = "shot-01", **fields: Any) -> R:
        """A report that fits the outstanding attempt, unless fields say otherwise."""
        now = self.state.tasks[task].stages[stage]
        where: dict[str, Any] = {"attempt": now.attempt, "epoch": now.epoch, "device_id": now.device_id}
        return kind(envelope=_of(""), task_id=task, stage_id=stage, **(where | fields))

    def succeeds(self, task: str, stage: str = "shot-01", **fields: Any) -> list[LedgerRecord]:
        """The stage's files are stored."""
        artifact = Artifact(role="main", key=f"results/{task}/{stage}.png", sha256="0" * 64, size=9)
        return self.report(StageSucceededReport, task, stage, artifacts=[artifact], render_ms=100, **fields)

    def fails(
        self, task: str, stage: str = "shot-01", *, retryable: bool = True, cancelled: bool = False
    ) -> list[LedgerRecord]:
        """The attempt failed."""
        problem = Problem(type="RenderError", code="render_failed", retryable=retryable)
        return self.report(StageFailedReport, task, stage, problem=problem, cancelled=cancelled)

    def starts(self, task: str, stage: str = "shot-01") -> list[LedgerRecord]:
        """The device began to render."""
        return self.report(StageStartedReport, task, stage)


def film_plan(shots: int, duration_ms: int = 4_000, frames: int = 96, attempts: int = 2) -> FilmPlan:
    """A plan of stills and a film that depends on them."""
    stills = [
        StagePlan(stage_id=f"shot-{n:02d}", kind=StageKind.SHOT, engine="null", max_attempts=attempts)
        for n in range(1, shots + 1)
    ]
    film = StagePlan(
        stage_id="film",
        kind=StageKind.FILM,
        engine="animatic",
        depends_on=[stage.stage_id for stage in stills],
        max_attempts=attempts,
        deliver=True,
    )
    return FilmPlan(stages=[*stills, film], shot_count=shots, duration_ms=duration_ms, frames=frames)


def only(events: Sequence[LedgerRecord], kind: type[E]) -> E:
    """The one event of a kind."""
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, f"{len(found)} {kind.__name__} in {[type(e).__name__ for e in events]}"
    return found[0]


def names(events: Sequence[AnyRequest | LedgerRecord]) -> list[str]:
    """Names of events, for comparing histories at a glance."""
    return [type(event).__name__ for event in events]


def _of(account: str) -> Envelope:
    return Envelope(account_id=account, event_id="cause")
