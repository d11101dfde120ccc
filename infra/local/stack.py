"""The local stack as one object: infrastructure, topics and the product's processes under one supervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from msgspec.structs import replace

from infra.kafka_admin import TopicLayout, ensure_topics
from infra.local import ports
from infra.local.apps import app_specs
from infra.local.jars import class_path
from infra.local.kafka import KafkaBroker
from infra.local.lifecycle import Failure, StackError
from infra.local.locks import try_exclusive
from infra.local.parts import Parts, fetch_parts
from infra.local.paths import StackPaths
from infra.local.postgres import Postgres, binaries
from infra.local.postgres_external import check_database, shown
from infra.local.postgres_user import choose_identity
from infra.local.process import ProcessSpec
from infra.local.registry import REGISTRY_TOPICS, Registry
from infra.local.runner import Runner
from infra.local.state import StackState, kill_stale, read_state, this_process, write_settings, write_state
from infra.local.supervisor import Supervisor
from infra.settings import Settings


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """What a stack runs. `apps` is a choice of `infra.local.apps.APPS`; `devices` counts CPU devices.

    Of `coordinators` and `read_models` processes one works and the others stand by, if those apps are chosen.

    `topics` are created at the start (none if empty). `database_url` names a server of the user's own; then no
    PostgreSQL is started. `api_port` is preferred over the remembered one. `base` gives all other settings.
    """

    apps: Sequence[str] = ()
    devices: int = 0
    coordinators: int = 1
    read_models: int = 1
    topics: Sequence[TopicLayout] = ()
    database_url: str | None = None
    api_port: int | None = None
    base: Settings = field(default_factory=Settings)
    cache: Path | None = None


class LocalStack:
    """Everything on this machine, as an async context manager; enter it in the main thread.

    `settings` are those of every process of the stack, valid after the start. `notify` receives one line for the user,
    `changed` is called after every change of a process, `failed` when one will be restarted.
    """

    settings: Settings

    def __init__(
        self,
        data_dir: Path,
        apps: Sequence[str] = (),
        devices: int = 0,
        *,
        options: StackOptions | None = None,
        parts: Parts | None = None,
        notify: Callable[[str], None] = lambda _: None,
        changed: Callable[[], None] = lambda: None,
        failed: Callable[[Failure], None] = lambda _: None,
    ) -> None:
        self.paths = StackPaths(data_dir.resolve())
        self.options = options or StackOptions(apps=apps, devices=devices)
        self.state = StackState()
        self.supervisor: Supervisor | None = None
        self._parts = parts
        self._notify = notify
        self._changed = changed
        self._failed = failed
        self._lock: IO[str] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything and return when it is ready.

        Raises `StackError` if another stack uses the data folder or a process does not become ready; then all is
        stopped again.
        """
        self.paths.create()
        self._lock = try_exclusive(self.paths.lock)
        if self._lock is None:
            holder = self.paths.lock.read_text().strip()
            raise StackError(
                f"{self.paths.data} is in use by another stack (process {holder}); stop it: storyreel down"
            )
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything; done within 10 s and safe to repeat."""
        if self.supervisor is not None:
            await self.supervisor.stop()
            self.state.processes = self.supervisor.records()
        if self._lock is not None:
            self.state.ready, self.state.supervisor, self.state.endpoints = False, None, {}
            self.paths.settings.unlink(missing_ok=True)
            write_state(self.paths, self.state)
            self._lock.close()
            self._lock = None

    async def watch(self) -> None:
        """Wait for ever; raises if the supervision itself breaks."""
        if self.supervisor is None:
            raise StackError("the stack has not been started")
        await self.supervisor.watch()

    def runner(self, name: str) -> Runner:
        """What keeps the process alive. Raises `StackError` if there is no process of that name."""
        runner = None if self.supervisor is None else self.supervisor.runners.get(name)
        if runner is None:
            raise StackError(f"the stack runs no process {name!r}; it runs {', '.join(self._names()) or 'none'}")
        return runner

    def pid_of(self, name: str) -> int:
        """Pid of a running process. Raises `StackError` while it does not run."""
        process = self.runner(name).process
        if process is None or process.returncode is not None:
            raise StackError(f"{name} does not run")
        return process.pid

    async def hold_down(self, name: str) -> None:
        """SIGKILL a process and leave it dead until `bring_up`: an outage as long as the caller wants."""
        await self.runner(name).hold_down()

    async def bring_up(self, name: str) -> None:
        """Start a process that is held down; returns when it is ready. Raises `StackError` if it does not become so."""
        await self.runner(name).bring_up()

    async def restart(self, name: str) -> None:
        """SIGTERM a process; returns when its next life is ready. Raises `StackError` if it does not become so."""
        await self.runner(name).restart()

    def _names(self) -> list[str]:
        return [] if self.supervisor is None else list(self.supervisor.runners)

    async def _start(self) -> None:
        self.state = read_state(self.paths)
        if left := kill_stale(self.state):
            self._notify(f"ended processes left by a killed stack: {', '.join(left)}")
        parts = self._parts
        if parts is None:
            parts = await asyncio.to_thread(fetch_parts, self.options.cache)
        specs = await self._plan(parts)
        self.supervisor = Supervisor(specs, self.paths.logs, changed=self._record, failed=self._failed)
        self.state.supervisor = this_process()
        write_settings(self.paths, self.settings)
        self._record()
        await self.supervisor.start()
        self.state.ready = True
        self._record()

    async def _plan(self, parts: Parts) -> list[ProcessSpec]:
        """Choose ports, settle the settings, and list the processes."""
        names = ["kafka", "kafka-controller", "registry", "postgres", *(["api"] if "api" in self.options.apps else [])]
        self.state.ports |= self._choose_ports(names)
        chosen = self.state.ports
        jars = class_path(parts.kafka)
        broker = KafkaBroker(self.paths.kafka, parts.java, jars, chosen["kafka"], chosen["kafka-controller"])
        registry = Registry(parts.registry, parts.java, chosen["registry"], broker.bootstrap)
        if not broker.formatted:
            self.paths.schema_ids.unlink(missing_ok=True)  # ids belong to the registry whose data the broker holds
        database_url, database_shown, database = await self._database(chosen["postgres"])
        self.settings = replace(
            self.options.base,
            data_dir=self.paths.data,
            kafka=broker.bootstrap,
            registry_url=registry.url,
            database_url=database_url,
            api_port=chosen.get("api", self.options.base.api_port),
        )
        self.state.endpoints = {
            "kafka": broker.bootstrap,
            "registry": registry.url,
            "postgres": database_shown,
        } | ({"api": self.settings.base_url} if "api" in self.options.apps else {})
        ids_known = self.paths.schema_ids.exists()
        needs = ("kafka", *(spec.name for spec in database))
        options = self.options
        copies = {"coordinator": options.coordinators, "read-models": options.read_models}
        apps = app_specs(self.settings, self.paths, options.apps, options.devices, needs, copies)
        return [broker.spec(self._ensure_topics), *database, registry.spec(awaited=not ids_known), *apps]

    async def _database(self, port: int) -> tuple[str, str, list[ProcessSpec]]:
        if url := self.options.database_url:
            await check_database(url)
            return url, shown(url), []
        home = self.paths.postgres
        home.mkdir(mode=0o700, exist_ok=True)
        identity = await asyncio.to_thread(choose_identity, binaries() / "postgres", home)
        server = Postgres(home, self.paths.secrets / "postgres.password", identity, port)
        return server.url, server.shown_url, [server.spec()]

    def _choose_ports(self, names: Sequence[str]) -> dict[str, int]:
        preferred = dict(self.state.ports)
        preferred["api"] = self.options.api_port or preferred.get("api") or self.options.base.api_port
        result: dict[str, int] = {}
        for name in names:
            result[name] = ports.choose(preferred.get(name), frozenset(result.values()))
        if "api" in self.options.apps and result["api"] != preferred["api"]:
            self._notify(f"port {preferred['api']} is taken; the API uses {result['api']}")
        return result

    async def _ensure_topics(self) -> None:
        settings = self.settings
        ensured = await ensure_topics(
            settings.kafka,
            (*self.options.topics, *REGISTRY_TOPICS),
            shards=settings.shards,
            slots=settings.device_slots,
            replication=settings.replication,
        )
        for difference in ensured.differences:
            self._notify(difference)

    def _record(self) -> None:
        if self.supervisor is not None:
            self.state.processes = self.supervisor.records()
        write_state(self.paths, self.state)
        self._changed()
