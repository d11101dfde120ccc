"""`stack.json`: what a stack remembers between starts and shows to other commands while it runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from infra.local.paths import StackPaths
from infra.local.process import kill_group, kill_processes
from infra.settings import Settings
from schemas.errors import ConfigurationError, StoryreelError

_SAME_START = 2.0  # seconds: create times move a little when the clock is adjusted


class NotRunningError(StoryreelError):
    """The command needs a running stack and there is none in the data folder."""

    code = "not_running"


class ProcessRecord(Struct, frozen=True, kw_only=True):
    """One process: `pid` is None when it does not run; `create_time` (epoch seconds) tells a reused pid apart."""

    name: str
    pid: int | None
    create_time: float | None
    state: str
    restarts: int = 0

    def find(self) -> psutil.Process | None:
        """The process if it still lives and is the recorded one."""
        if self.pid is None or self.create_time is None:
            return None
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.create_time) < _SAME_START
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class StackState(Struct, kw_only=True):
    """Content of `stack.json`; it holds no secret."""

    supervisor: ProcessRecord | None = None
    ready: bool = False
    processes: list[ProcessRecord] = []
    endpoints: dict[str, str] = {}
    ports: dict[str, int] = {}

    def alive(self) -> bool:
        """Whether the recorded supervisor runs."""
        return self.supervisor is not None and self.supervisor.find() is not None


def read_state(paths: StackPaths) -> StackState:
    """The recorded state; an empty one if there is none. Raises `ConfigurationError` if the file is damaged."""
    try:
        return msgspec.json.decode(paths.state.read_bytes(), type=StackState)
    except FileNotFoundError:
        return StackState()
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{paths.state} is damaged ({error}); delete it, only the remembered ports are lost"
        ) from error


def write_state(paths: StackPaths, state: StackState) -> None:
    """Replace `stack.json` in one step."""
    incoming = paths.state.with_name(paths.state.name + ".new")
    incoming.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
    incoming.replace(paths.state)


def write_settings(paths: StackPaths, settings: Settings) -> None:
    """Keep the settings of the running stack, with their passwords, for the other commands (mode 0600)."""
    write_secret(paths.settings, msgspec.json.encode(settings.to_env()))


def write_secret(path: Path, data: bytes) -> None:
    """Replace a file that only its owner may read."""
    incoming = path.with_name(path.name + ".new")
    incoming.unlink(missing_ok=True)
    with open(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(data)
    incoming.replace(path)


def running_settings(data: Path) -> Settings:
    """Settings of the stack running in `data`. Raises `NotRunningError` if none runs there."""
    paths = StackPaths(data.resolve())
    if not read_state(paths).alive() or not paths.settings.exists():
        raise NotRunningError(f"no stack runs in {data}; start one with: storyreel up --data {data}")
    return Settings.from_env(msgspec.json.decode(paths.settings.read_bytes(), type=dict[str, str]))


def kill_stale(state: StackState) -> list[str]:
    """SIGKILL processes that a supervisor which is gone has left behind; returns their names."""
    left = []
    for record in state.processes:
        process = record.find()
        if process is None:
            continue
        left.append(record.name)
        offspring = process.children(recursive=True)
        if os.getpgid(process.pid) == process.pid:
            kill_group(process.pid)
        kill_processes([process, *offspring])
        psutil.wait_procs([process, *offspring], timeout=5)
    return left


def this_process() -> ProcessRecord:
    """Record of the calling process as supervisor."""
    process = psutil.Process()
    return ProcessRecord(name="supervisor", pid=process.pid, create_time=process.create_time(), state="ready")


def interrupt(record: ProcessRecord, timeout: float) -> bool:
    """SIGTERM a recorded process, SIGKILL it after `timeout` s. Returns whether it ended by itself."""
    process = record.find()
    if process is None:
        return True
    process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs([process], timeout=timeout)
    kill_processes(alive)
    psutil.wait_procs(alive, timeout=5)
    return not alive
