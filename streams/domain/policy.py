"""The rules' numbers: tiers, retries, credits. Given to the decider, never looked up by it."""

from __future__ import annotations

from datetime import timedelta

from immutables import Map
from msgspec import Struct

from schemas.common import Limits, StageKind, Tier

PRIORITY: dict[Tier, int] = {Tier.VIP: 9, Tier.NORMAL: 5, Tier.FREE: 1, Tier.UNKNOWN: 1}
TIER_LIMITS: dict[Tier, Limits] = {
    Tier.FREE: Limits(images_per_day=20, videos_per_day=2),
    Tier.NORMAL: Limits(images_per_day=100, videos_per_day=10),
    Tier.VIP: Limits(images_per_day=10_000, videos_per_day=1_000),
    Tier.UNKNOWN: Limits(images_per_day=0, videos_per_day=0),
}
# Milliseconds per unit of work before anything was measured (2-core CPU figures of the built-in engines).
FIRST_RATES: dict[StageKind, float] = {
    StageKind.SHOT: 1.0,
    StageKind.UPSCALE: 1.0,
    StageKind.FILM: 25.0,
    StageKind.MUSIC: 40.0,
    StageKind.SPEECH: 4.0,
    StageKind.SCRIPT: 300.0,
    StageKind.EMBEDDING: 1_500.0,
}
MOST_MS = 86_400_000  # a day: no stage is measured or expected to take longer
NEW_WEIGHT = 0.2  # weight of the newest measurement in the moving average of a rate


class Policy(Struct, frozen=True, kw_only=True):
    """Times as durations; `credit_ms` is the estimated work a device may hold at once, `credit_max` the commands.

    Work may wait for `affinity_wait` at most because of models that devices hold; a device is taken to hold the models of
    the last `models_held` engines it had work for, and engines in `heavy` load so long that waiting for one is worth it;
    ENGINE/MODEL counts for itself, and is as heavy as its engine.
    `results_kept` results are remembered for reuse, for as long as answers are; `cached_charge` is what one costs, in
    parts of the same work rendered: 0 or 1.
    """

    retry_wait: timedelta = timedelta(seconds=60)
    retry_wait_max: timedelta = timedelta(minutes=10)
    acquire_timeout: timedelta = timedelta(seconds=300)
    remember: timedelta = timedelta(hours=48)
    max_device_losses: int = 10
    credit_ms: int = 2_000
    credit_max: int = 64
    slots: int = 64
    affinity_wait: timedelta = timedelta(seconds=2)
    models_held: int = 2
    heavy: frozenset[str] = frozenset({"diffusers", "diffusers-video", "instantid", "upscale"})
    results_kept: int = 10_000
    cached_charge: int = 0


def rate_key(engine: str, kind: StageKind) -> str:
    """Name of the rate of an engine's kind of stage."""
    return f"{engine}:{kind}"


def estimate_ms(rates: Map[str, float], engine: str, kind: StageKind, work: int) -> int:
    """Expected milliseconds on a device, from measured history where there is one; 1 to a day."""
    rate = rates.get(rate_key(engine, kind), FIRST_RATES.get(kind, 1_000.0))
    return min(MOST_MS, max(1, round(rate * work)))
