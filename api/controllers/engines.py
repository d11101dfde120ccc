"""GET /engines: every engine, what it needs, and whether it is ready on some device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Request, get
from msgspec import Struct

from api.deps import Injected
from api.engines import BUILT_IN, LIMITS, base_name, installed_engines, needs_of
from api.openapi import problems
from infra.keystore import Principal
from projections.folds.devices import DeviceRow
from schemas.entities import DeviceStatus, EngineInfo

UserRequest = Request[Principal, Any, Any]


class EngineOnDevice(Struct, frozen=True, kw_only=True):
    """An engine on a live device; `package` brings it, `problem` says why it is not ready there, "" = it is."""

    device_id: str
    ready: bool
    version: str
    package: str
    problem: str


class EngineView(Struct, frozen=True, kw_only=True):
    """An engine. `name` is what requests give as `engine`: ENGINE, or ENGINE/MODEL for one model of the devices' registry.

    `installed` tells whether this API accepts the name; `ready` whether a live device can run it now; `limits` what it does
    not do, in words.
    """

    name: str
    kind: str
    needs: list[str]
    limits: list[str]
    installed: bool
    ready: bool
    devices: list[EngineOnDevice]


class EngineList(Struct, frozen=True):
    """By name."""

    items: list[EngineView]


@get("/engines", tags=["generate"], responses=problems(401, 503))
async def list_engines(request: UserRequest, deps: Injected) -> EngineList:  # noqa: ARG001 - any account may ask
    """Every engine that is installed here or told of by a live device."""
    rows = await deps.queries.devices()
    return EngineList(engine_views(rows, installed_engines()))


def engine_views(rows: Sequence[DeviceRow], installed: Sequence[str]) -> list[EngineView]:
    """What the devices tell, put together by engine; an engine that no device names is not ready anywhere. Pure."""
    told: dict[str, list[tuple[DeviceRow, EngineInfo]]] = {name: [] for name in installed}
    for row in rows:
        if row.status is DeviceStatus.LIVE:
            for engine in row.engines:
                told.setdefault(engine.name, []).append((row, engine))
    return [_view(name, found, installed) for name, found in sorted(told.items())]


def _view(name: str, found: Sequence[tuple[DeviceRow, EngineInfo]], installed: Sequence[str]) -> EngineView:
    base = base_name(name)
    kind = BUILT_IN.get(base) or next((engine.kind for _, engine in found if engine.kind), "")
    devices = [
        EngineOnDevice(
            device_id=row.device_id,
            ready=not engine.problem,
            version=engine.version,
            package=engine.package,
            problem=engine.problem,
        )
        for row, engine in found
    ]
    return EngineView(
        name=name,
        kind=kind,
        needs=needs_of(name, next((engine.needs for _, engine in found if engine.needs), ())),
        limits=list(LIMITS.get(base, ())),
        installed=base in installed,
        ready=any(device.ready for device in devices),
        devices=devices,
    )
