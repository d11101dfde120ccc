"""A real S3 server for tests: S3Proxy over a local folder, with signature checks."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.java import JavaRuntime
from infra.local.probes import tcp_open
from infra.local.process import ProcessSpec
from infra.local.state import write_secret

_PROPERTIES = """\
s3proxy.authorization=aws-v2-or-v4
s3proxy.endpoint=http://127.0.0.1:{port}
s3proxy.identity={access_key}
s3proxy.credential={secret_key}
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir={objects}
"""


@dataclass(frozen=True)
class S3Proxy:
    """An S3 endpoint whose objects lie in `home`/objects; the keys are drawn for this run."""

    home: Path
    java: JavaRuntime
    class_path: str
    port: int
    access_key: str = field(default_factory=lambda: secrets.token_hex(8))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))

    @property
    def endpoint(self) -> str:
        """host:port, as the minio client wants it (without TLS)."""
        return f"127.0.0.1:{self.port}"

    async def prepare(self) -> None:
        """Write the configuration and make the folder of the objects."""
        objects = self.home / "objects"
        objects.mkdir(parents=True, exist_ok=True)
        values = {"port": self.port, "access_key": self.access_key, "secret_key": self.secret_key, "objects": objects}
        write_secret(self.home / "s3proxy.conf", _PROPERTIES.format_map(values).encode())

    def spec(self) -> ProcessSpec:
        """The server as a supervised process."""
        jvm = (str(self.java.executable), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        config = str(self.home / "s3proxy.conf")
        return ProcessSpec(
            name="s3proxy",
            argv=(*jvm, "-cp", self.class_path, "org.gaul.s3proxy.Main", "--properties", config),
            prepare=self.prepare,
            probe=tcp_open(self.port),
            ready_timeout=30,
            stop_timeout=1.5,
        )
