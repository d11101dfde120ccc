"""A real S3 server on this machine for tests and for the local stack: S3Proxy over a plain folder."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from infra.local.bundles import load_bundle
from infra.local.jars import class_path, ensure
from infra.local.java import find_java
from infra.local.paths import cache_dir
from infra.local.ports import choose
from schemas.errors import InfrastructureError

_HEAP = "-Xmx256m"
_START_S, _STOP_S, _POLL_S = 60.0, 10.0, 0.05


class S3Proxy:
    """`async with S3Proxy(data_dir) as server:` runs the server until the block ends.

    Objects lie under `data_dir`/buckets and survive a restart, the log is `data_dir`/s3proxy.log. `endpoint` is an
    http URL on 127.0.0.1; `access_key` and `secret_key` are new for each instance. The jars come from the verified
    cache. Raises `InfrastructureError` with the end of the log if the server does not answer within a minute.
    """

    def __init__(self, data_dir: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.access_key = secrets.token_hex(8)
        self.secret_key = secrets.token_hex(20)
        self.endpoint = ""
        self._data_dir = data_dir
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        classes = class_path(await asyncio.to_thread(ensure, load_bundle("s3proxy"), cache_dir(self._environ)))
        java = await asyncio.to_thread(find_java, self._environ)
        self.endpoint = f"http://127.0.0.1:{choose()}"
        settings = self._write_settings()
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                java.executable, _HEAP, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes,
                "org.gaul.s3proxy.Main", "--properties", settings, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            await self._answering(self._process)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End the server; it is killed if it does not leave within ten seconds."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def _log(self) -> Path:
        return self._data_dir / "s3proxy.log"

    def _write_settings(self) -> Path:
        buckets = self._data_dir / "buckets"
        buckets.mkdir(parents=True, exist_ok=True)
        values = {
            "s3proxy.endpoint": self.endpoint,
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": self.access_key,
            "s3proxy.credential": self.secret_key,
            "jclouds.provider": "filesystem-nio2",
            "jclouds.identity": "local",
            "jclouds.credential": "local",
            "jclouds.filesystem.basedir": str(buckets.resolve()),
        }
        path = self._data_dir / "s3proxy.conf"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return path

    async def _answering(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(_START_S), httpx.AsyncClient(trust_env=False) as client:
                while process.returncode is None:
                    if await _answers(client, self.endpoint):
                        return
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise InfrastructureError(f"S3Proxy does not answer after {_START_S:.0f} s: {self._log_end()}") from None
        raise InfrastructureError(f"S3Proxy ended with status {process.returncode}: {self._log_end()}")

    def _log_end(self) -> str:
        return self._log.read_text(errors="replace")[-1000:]


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        await client.get(url)
    except httpx.TransportError:
        return False
    return True
