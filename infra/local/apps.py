"""The product's own processes as supervised processes."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from infra.lives import LIFE_FILE
from infra.local.deaths import report_end
from infra.local.paths import StackPaths
from infra.local.probes import file_exists, remove
from infra.local.process import ProcessSpec
from infra.ready import READY_FILE
from infra.settings import Settings
from infra.troubles import TROUBLE_FILE
from schemas.errors import ConfigurationError

APPS = ("coordinator", "read-models", "api")
_COMMANDS = {"coordinator": ("streams", "coordinator"), "read-models": ("streams", "read-models"), "api": ("api",)}
ONE_EACH: Mapping[str, int] = MappingProxyType({})
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def app_specs(
    settings: Settings,
    paths: StackPaths,
    apps: Collection[str],
    devices: int,
    infrastructure: tuple[str, ...],
    copies: Mapping[str, int] = ONE_EACH,
) -> list[ProcessSpec]:
    """The chosen apps and `devices` CPU devices. All need `infrastructure` and start together; devices end before the apps.

    `copies` tells of which apps there are several processes, of which one works and the others stand by; the second of
    them is named APP-2. Raises `ConfigurationError` for an unknown app and for fewer copies than one.
    """
    if unknown := set(apps) - set(APPS):
        raise ConfigurationError(f"unknown apps {sorted(unknown)}; there are {', '.join(APPS)}")
    for name, count in copies.items():
        if count < 1:
            raise ConfigurationError(f"{name}: {count} processes are asked for, at least one is needed")
    chosen = [name for name in APPS if name in apps]
    specs = [
        _app(name, number, settings, paths, infrastructure)
        for name in chosen
        for number in range(1, copies.get(name, 1) + 1)
    ]
    return [*specs, *(_device(number, settings, paths, infrastructure, tuple(chosen)) for number in range(devices))]


def _app(app: str, number: int, settings: Settings, paths: StackPaths, needs: tuple[str, ...]) -> ProcessSpec:
    name = app if number == 1 else f"{app}-{number}"
    spec = _spec(name, _COMMANDS[app], settings, paths, needs)
    return replace(spec, service=app, awaited=number == 1)


def _device(
    number: int, settings: Settings, paths: StackPaths, needs: tuple[str, ...], apps: tuple[str, ...]
) -> ProcessSpec:
    name = f"device-{number}"
    life = paths.run / f"{name}.life"
    command = ("gpu_agents", "--device", f"cpu-{number}")
    spec = _spec(name, command, settings, paths, needs, _ONE_THREAD | {LIFE_FILE: str(life)})
    return replace(spec, ends_before=apps, on_end=report_end(settings, life))


def _spec(
    name: str,
    command: tuple[str, ...],
    settings: Settings,
    paths: StackPaths,
    needs: tuple[str, ...],
    extra: Mapping[str, str] | None = None,
) -> ProcessSpec:
    ready = paths.run / f"{name}.ready"
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", *command),
        env=_environment(settings)
        | {READY_FILE: str(ready), TROUBLE_FILE: str(paths.trouble(name))}
        | dict(extra or {}),
        needs=needs,
        prepare=remove(ready),
        probe=file_exists(ready),
    )


def _environment(settings: Settings) -> dict[str, str]:
    # safe path: a folder `api` or `streams` where the stack was started is not taken for ours
    return settings.to_env() | {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
