"""The schema registry: Apicurio with its data in Kafka, speaking the Confluent API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.local.java import UTF8, JavaRuntime
from infra.local.probes import http_ok
from infra.local.process import ProcessSpec
from schemas.errors import InfrastructureError

API = "/apis/ccompat/v7"
_JVM = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


@dataclass(frozen=True)
class RegistryTopic:
    """A topic of the registry's own storage; made before the registry makes it with the broker's 7 days."""

    name: str
    partitions: Literal["one"] = "one"
    retention_ms: None = None
    compact: bool = False
    max_bytes: None = None


REGISTRY_TOPICS = tuple(RegistryTopic(name) for name in ("kafkasql-journal", "kafkasql-snapshots", "registry-events"))


@dataclass(frozen=True)
class Registry:
    """A registry process; it holds no data of its own, the broker does."""

    folder: Path
    java: JavaRuntime
    port: int
    bootstrap: str

    @property
    def url(self) -> str:
        """Base address of the Confluent compatible API."""
        return f"http://127.0.0.1:{self.port}{API}"

    def spec(self, awaited: bool = True) -> ProcessSpec:
        """The registry as a supervised process, ready when it lists its subjects."""
        return ProcessSpec(
            name="registry",
            argv=(str(self.java.executable), *_JVM, *self._properties(), "-jar", str(self._runner())),
            env=UTF8,
            cwd=self.folder,
            needs=("kafka",),
            probe=http_ok(f"{self.url}/subjects"),
            ready_timeout=120,
            awaited=awaited,
            stop_timeout=1.5,
        )

    def _properties(self) -> tuple[str, ...]:
        return (
            f"-Dquarkus.http.port={self.port}",
            "-Dquarkus.http.host=127.0.0.1",
            "-Dquarkus.log.level=WARN",
            "-Dquarkus.banner.enabled=false",
            "-Dapicurio.storage.kind=kafkasql",
            "-Dapicurio.kafkasql.consumer.poll.timeout=1000",  # the start waits this long for a snapshot
            f"-Dapicurio.kafkasql.bootstrap.servers={self.bootstrap}",
        )

    def _runner(self) -> Path:
        for jar in self.folder.glob("*-runner.jar"):
            return jar
        raise InfrastructureError(f"{self.folder} holds no registry program")
