"""The product's own processes as supervised processes."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping

from infra.local.paths import StackPaths
from infra.local.probes import file_exists, remove
from infra.local.process import ProcessSpec
from infra.ready import READY_FILE
from infra.settings import Settings
from schemas.errors import ConfigurationError

APPS = ("coordinator", "read-models", "api")
_COMMANDS = {"coordinator": ("streams", "coordinator"), "read-models": ("streams", "read-models"), "api": ("api",)}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def app_specs(
    settings: Settings, paths: StackPaths, apps: Collection[str], devices: int, infrastructure: tuple[str, ...]
) -> list[ProcessSpec]:
    """The chosen apps, which need `infrastructure`, and `devices` CPU devices, which need the apps.

    Raises `ConfigurationError` for an unknown app.
    """
    if unknown := set(apps) - set(APPS):
        raise ConfigurationError(f"unknown apps {sorted(unknown)}; there are {', '.join(APPS)}")
    specs = [_app(name, settings, paths, infrastructure) for name in APPS if name in apps]
    needs = (*infrastructure, *(spec.name for spec in specs))
    specs += [
        _spec(f"device-{number}", ("gpu_agents", "--device", f"cpu-{number}"), settings, paths, needs, _ONE_THREAD)
        for number in range(devices)
    ]
    return specs


def _app(name: str, settings: Settings, paths: StackPaths, needs: tuple[str, ...]) -> ProcessSpec:
    return _spec(name, _COMMANDS[name], settings, paths, needs)


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
        env=_environment(settings) | {READY_FILE: str(ready)} | dict(extra or {}),
        needs=needs,
        prepare=remove(ready),
        probe=file_exists(ready),
    )


def _environment(settings: Settings) -> dict[str, str]:
    # safe path: a folder `api` or `streams` where the stack was started is not taken for ours
    return settings.to_env() | {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
