"""Which system a command talks to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from infra.local.paths import StackPaths
from infra.local.state import read_state, running_settings
from infra.settings import PREFIX, Settings

BROKER = f"{PREFIX}KAFKA"


def target_settings(data: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the stack running in `data`, else those of the environment if that names a broker.

    So the commands work on a cluster, and inside a container, too. Raises `NotRunningError` if there is neither.
    """
    if environ.get(BROKER) and not read_state(StackPaths(data.resolve())).alive():
        return Settings.from_env(environ)
    return running_settings(data)
