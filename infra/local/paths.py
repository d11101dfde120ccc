"""Where the local stack keeps things: one data folder per stack, one cache folder per user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StackPaths:
    """Layout of a data folder. Everything a stack owns lies under `data`, so copying or deleting it is enough."""

    data: Path

    @property
    def state(self) -> Path:
        """`stack.json`: ports, endpoints and processes of the last or running stack."""
        return self.data / "stack.json"

    @property
    def lock(self) -> Path:
        """File whose flock is held by the one running supervisor."""
        return self.data / "stack.lock"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """Ready files of the running processes."""
        return self.data / "run"

    def trouble(self, process: str) -> Path:
        """Where a process tells what it suffers while it goes on."""
        return self.run / f"{process}.trouble"

    @property
    def secrets(self) -> Path:
        """Generated passwords and keys, mode 0700."""
        return self.data / "secrets"

    @property
    def settings(self) -> Path:
        """Settings of the running stack with its passwords, read by the other commands."""
        return self.secrets / "settings.json"

    @property
    def kafka(self) -> Path:
        """Broker configuration, cluster id and log segments."""
        return self.data / "kafka"

    @property
    def postgres(self) -> Path:
        """Parent of the database cluster."""
        return self.data / "postgres"

    @property
    def schema_ids(self) -> Path:
        """Schema ids remembered by the serde layer; with it processes start before the registry answers."""
        return self.data / "schema-ids.json"

    def create(self) -> None:
        """Make the folders. The data folder can be entered but not listed by others: PostgreSQL may run as another user."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o711)
        for folder in (self.logs, self.run, self.secrets, self.kafka):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of downloaded parts: `STORYREEL_CACHE`, else `$XDG_CACHE_HOME/storyreel`, else `~/.cache/storyreel`."""
    if chosen := environ.get("STORYREEL_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base).absolute() if base else Path.home() / ".cache") / "storyreel"
