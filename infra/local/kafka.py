"""One Kafka broker that is its own controller (KRaft), tuned to start fast and to need little memory."""

from __future__ import annotations

import asyncio
import base64
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.local.java import UTF8, JavaRuntime
from infra.local.process import Action, ProcessSpec
from schemas.errors import InfrastructureError

_HEAP = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
# `log.dirs` is a list and the file is ISO 8859-1, so the folder is named from the broker's own, not by its whole path.
# A killed broker may register again only after the session of its former life: 9 s by default.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENT://127.0.0.1:{port}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
log.dirs=log
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
transaction.max.timeout.ms=60000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
message.max.bytes=2097152
replica.fetch.max.bytes=2097152
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
"""


@dataclass(frozen=True)
class KafkaBroker:
    """A broker whose identity and data live under `home`; its ports may change between starts."""

    home: Path
    java: JavaRuntime
    class_path: str
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_dir(self) -> Path:
        """Folder of the log segments."""
        return self.home / "log"

    @property
    def formatted(self) -> bool:
        """Whether the log folder belongs to a cluster; the formatter writes this file last."""
        return (self.log_dir / "meta.properties").exists()

    @property
    def cluster_id(self) -> str:
        """Identity of the cluster, drawn once and kept next to the data."""
        path = self.home / "cluster.id"
        if not path.exists():
            incoming = path.with_name("cluster.id.new")
            incoming.write_text(new_cluster_id())
            incoming.replace(path)
        return path.read_text()

    async def prepare(self) -> None:
        """Write the configuration; format the log folder the first time. Raises `InfrastructureError` if that fails."""
        config = self.home / "server.properties"
        config.write_text(_PROPERTIES.format(port=self.port, controller_port=self.controller_port))
        if self.formatted:
            return
        command = [*self._java(), "kafka.tools.StorageTool", "format", "-t", self.cluster_id, "-c", str(config)]
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.home,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | UTF8,
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise InfrastructureError(f"formatting {self.log_dir} failed: {output.decode(errors='replace').strip()}")

    async def answers(self) -> bool:
        """Whether this very broker (not another one on its port) takes requests."""
        admin: Any = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5000)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            await admin.start()
            cluster = await admin.describe_cluster()
        except (OSError, KafkaError):
            return False
        finally:
            await admin.close()
        if cluster["cluster_id"] != self.cluster_id:
            raise InfrastructureError(f"port {self.port} is used by another Kafka cluster ({cluster['cluster_id']})")
        return bool(cluster["brokers"])

    def spec(self, on_ready: Action | None = None) -> ProcessSpec:
        """The broker as a supervised process."""
        return ProcessSpec(
            name="kafka",
            argv=(*self._java(), "kafka.Kafka", str(self.home / "server.properties")),
            env=UTF8,
            cwd=self.home,
            prepare=self.prepare,
            probe=self.answers,
            on_ready=on_ready,
            ready_timeout=90,
            stop_timeout=4,
        )

    def _java(self) -> tuple[str, ...]:
        return (str(self.java.executable), *_HEAP, *LOGGING, "-cp", self.class_path)


def new_cluster_id() -> str:
    """A random UUID in Kafka's form: 22 characters of URL-safe base64, not starting with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text
