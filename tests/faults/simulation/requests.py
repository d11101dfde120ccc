"""What simulated clients ask for: pictures, films, scripts, cancels, repeats, conflicts, new limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from msgspec.structs import replace

from schemas.common import FilmPlan, StageKind, StagePlan, Tier
from schemas.envelope import Envelope
from schemas.requests import (
    CancellationRequested,
    HoldRequested,
    ImageRequested,
    QuotaLimitRequested,
    ReleaseRequested,
    Request,
    RequestInfo,
    UserRegistrationRequested,
    VideoRequested,
)

TIERS = {"ann": Tier.NORMAL, "bob": Tier.FREE, "vip": Tier.VIP}
ENGINES = ("null", "null", "null", "sketch")
VALID_S = 1.5  # seconds a request may wait for its decision


class Clients:
    """Makes requests from the seed; remembers its own, to cancel or repeat them."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._count = 0
        self._work: list[Request] = []
        self._held: list[Request] = []

    @property
    def has_work(self) -> bool:
        """Whether there is a task to cancel."""
        return bool(self._work)

    def registrations(self, now: datetime) -> list[Request]:
        """Accounts of every tier, one of them with little quota; valid for long, so that every history has work."""
        users: list[Request] = [
            UserRegistrationRequested(**self._head(account, account, now, 7_200.0), tier=tier, new_key_id="key")
            for account, tier in TIERS.items()
        ]
        return [*users, self._limit("bob", "images", 6, now)]

    def next(self, now: datetime) -> Request:
        """One request; `now` is the API's clock."""
        dice = self._rng.random()
        if self._work and dice < 0.13:
            return self.cancel(now)
        if self._work and dice < 0.2:
            return self._repeat(now)
        if self._work and dice < 0.26:
            return self._hold_or_release(now)
        if dice < 0.28:
            return self._limit(self._rng.choice(list(TIERS)), "images", self._rng.randrange(0, 30), now)
        again = bool(self._work) and dice < 0.34
        work = self._retry(now) if again else self._image(now) if dice < 0.76 else self._video(now)
        self._work.append(work)
        return work

    def cancel(self, now: datetime) -> Request:
        """Stop one of the tasks asked for, rather a recent one, now and then somebody else's."""
        target = self._rng.choice(self._work[-8:])
        foreign = self._rng.random() < 0.1
        account = self._rng.choice(list(TIERS)) if foreign else target.envelope.account_id
        return CancellationRequested(**self._head(account, target.request.task_id, now))

    def releases(self, now: datetime) -> list[Request]:
        """A release of everything that was to be held, valid for long."""
        return [
            ReleaseRequested(**self._head(first.envelope.account_id, first.request.task_id, now, 7_200.0))
            for first in self._held
        ]

    def _hold_or_release(self, now: datetime) -> Request:
        """By the owner, an operator, a stranger who may not, or somebody whose task it is not."""
        target = self._rng.choice(self._work[-8:])
        head = self._head(target.envelope.account_id, target.request.task_id, now)
        dice = self._rng.random()
        if dice < 0.3:
            role = "operator" if dice < 0.2 else "member"
            head["request"] = replace(head["request"], asked_by="ops", asked_as=role)
        elif dice < 0.4:
            head["envelope"] = replace(head["envelope"], account_id=self._rng.choice(list(TIERS)))
        if self._rng.random() < 0.5:
            return ReleaseRequested(**head)
        self._held.append(target)
        return HoldRequested(**head)

    def _retry(self, now: datetime) -> Request:
        """The work of an earlier task again, whatever became of it; now and then somebody else's."""
        first = self._rng.choice(self._work[-12:])
        account = first.envelope.account_id if self._rng.random() < 0.9 else self._rng.choice(list(TIERS))
        head = self._head(account, f"task-{self._count + 1}", now)
        info = replace(head["request"], retry_of=first.request.task_id, reuse_hash=first.request.reuse_hash)
        return replace(first, envelope=head["envelope"], request=info)

    def _repeat(self, now: datetime) -> Request:
        first = self._rng.choice(self._work[-8:])
        body_hash = first.request.body_hash if self._rng.random() < 0.7 else "another body"
        fresh = self._info(first.request.task_id, now)
        info = replace(first.request, request_id=fresh.request_id, valid_until=fresh.valid_until, body_hash=body_hash)
        return replace(first, request=info)

    def _image(self, now: datetime) -> Request:
        engine = self._rng.choice(ENGINES)
        stages = [_stage(f"shot-{n}", engine, deliver=True) for n in range(self._rng.choice((1, 1, 1, 2, 3)))]
        head = self._repeatable(self._work_head(now), f"{engine}-{len(stages)}")
        width = 512 if self._rng.random() < 0.97 else 9_000
        return ImageRequested(**head, stages=stages, width=width, height=512, deadline=self._due(now))

    def _video(self, now: datetime) -> Request:
        head = self._work_head(now) | {"width": 1280, "height": 720, "deadline": self._due(now)}
        if self._rng.random() < 0.3:
            return VideoRequested(**head, script=_stage("script", "null", kind=StageKind.SCRIPT, max_attempts=2))
        shots = self._rng.randint(1, 3)
        return VideoRequested(**self._repeatable(head, f"film-{shots}"), plan=film(shots))

    def _repeatable(self, head: dict[str, Any], work: str) -> dict[str, Any]:
        """Some work has a seed; the hash is the same for all accounts here, so that taking another's result would show."""
        reuse_hash = f"{work}-{self._rng.randrange(2)}" if self._rng.random() < 0.5 else ""
        return head | {"request": replace(head["request"], reuse_hash=reuse_hash)}

    def _limit(self, account: str, resource: str, limit: int, now: datetime) -> Request:
        return QuotaLimitRequested(**self._head(account, f"limit-{account}", now), resource=resource, limit=limit)

    def _due(self, now: datetime) -> datetime | None:
        return now + timedelta(seconds=self._rng.uniform(1, 120)) if self._rng.random() < 0.15 else None

    def _work_head(self, now: datetime) -> dict[str, Any]:
        return self._head(self._rng.choice(list(TIERS)), f"task-{self._count + 1}", now)

    def _head(self, account: str, task_id: str, now: datetime, valid_s: float = VALID_S) -> dict[str, Any]:
        envelope = Envelope(event_id="request", account_id=account)
        return {"envelope": envelope, "request": self._info(task_id, now, valid_s)}

    def _info(self, task_id: str, now: datetime, valid_s: float = VALID_S) -> RequestInfo:
        self._count += 1
        valid_until = now + timedelta(seconds=valid_s)
        return RequestInfo(request_id=f"r{self._count}", task_id=task_id, body_hash="body", valid_until=valid_until)


def film(shots: int) -> FilmPlan:
    """A plan of shots, a film that depends on them all."""
    stills = [_stage(f"shot-{n}", "null", max_attempts=2) for n in range(shots)]
    cut = _stage("film", "animatic", kind=StageKind.FILM, max_attempts=2, deliver=True)
    cut = replace(cut, depends_on=[stage.stage_id for stage in stills])
    return FilmPlan(stages=[*stills, cut], shot_count=shots, duration_ms=4_000, frames=96)


def _stage(stage_id: str, engine: str, kind: StageKind = StageKind.SHOT, **fields: Any) -> StagePlan:
    return StagePlan(stage_id=stage_id, kind=kind, engine=engine, work=10, **fields)
