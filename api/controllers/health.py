"""/health/live, /health/ready, /metrics."""

from __future__ import annotations

import logging
import time

from litestar import Response, get
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST

from api.deps import Deps, Injected
from projections.postgres import is_absent, is_transient
from schemas.topics import TASKS

log = logging.getLogger(__name__)
MAX_LAG_S = 3600.0


class Check(Struct, frozen=True):
    """One thing the API depends on."""

    ok: bool
    detail: str = ""


class Readiness(Struct, frozen=True):
    """Whether calls can be served, what is missing, and how many task events the read model has yet to store."""

    ready: bool
    checks: dict[str, Check]
    read_model_lag: int


@get("/health/live", tags=["operation"], security=[])
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@get("/health/ready", tags=["operation"], security=[])
async def ready(deps: Injected) -> Response[Readiness]:
    """200 when the broker and PostgreSQL answer and the read model is whole and less than an hour behind, else 503."""
    lag = await read_model_lag(deps)
    kafka = Check(deps.tail.alive, "" if deps.tail.alive else "the broker does not answer")
    postgresql = Check(lag is not None, "" if lag is not None else "PostgreSQL does not answer")
    checks = {"kafka": kafka, "postgresql": postgresql, "read_model": await _read_model(deps, lag)}
    is_ready = all(check.ok for check in checks.values())
    headers = {"Cache-Control": "no-store"} | ({} if is_ready else {"Retry-After": "2"})
    return Response(Readiness(is_ready, checks, lag or 0), status_code=200 if is_ready else 503, headers=headers)


async def _read_model(deps: Deps, lag: int | None) -> Check:
    behind = deps.lag_clock.seconds(lag or 0, time.monotonic())
    try:
        whole = lag is not None and all([await deps.reads.whole(TASKS.name, n) for n in range(deps.settings.shards)])
    except Exception as error:
        if not (is_transient(error) or is_absent(error)):
            raise
        whole = False
    if not whole:
        return Check(ok=False, detail="the rows are incomplete" if lag is not None else "unknown")
    return Check(behind < MAX_LAG_S, f"behind for {behind:.0f} s" if behind else "")


@get("/metrics", include_in_schema=False)
async def metrics(deps: Injected) -> Response[bytes]:
    """Prometheus text format."""
    lag = await read_model_lag(deps)
    if lag is not None:
        deps.metrics.read_model_lag.set(lag)
        deps.metrics.drift.set(await _drift(deps))
    deps.metrics.tail_lag.set(deps.tail.lag)
    deps.metrics.tail_poison.set(deps.tail.poison)
    return Response(deps.metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def read_model_lag(deps: Deps) -> int | None:
    """Task events that the tail saw and the read model has not stored, over all shards; None without PostgreSQL."""
    lag = 0
    try:
        for shard in range(deps.settings.shards):
            lag += max(0, deps.tail.sequence(TASKS.name, shard) - await _stored(deps, shard))
    except Exception as error:
        if not is_transient(error):
            raise
        log.warning("PostgreSQL does not answer: %r", error)
        return None
    return lag


async def _drift(deps: Deps) -> int:
    try:
        return await deps.queries.drift_rows()
    except Exception as error:
        if not is_absent(error):
            raise
    return 0  # tables that are gone are derived again


async def _stored(deps: Deps, shard: int) -> int:
    try:
        return await deps.queries.cursor(TASKS.name, shard)
    except Exception as error:
        if not is_absent(error):
            raise
    return 0  # the tables are gone
