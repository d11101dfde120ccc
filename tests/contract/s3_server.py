"""A real S3 server process for the length of a block. If it cannot be started the tests fail; nothing is skipped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.local.bundles import load_bundle
from infra.local.jars import class_path, ensure
from infra.local.java import find_java
from infra.local.paths import cache_dir
from infra.local.ports import choose
from infra.local.process import ProcessSpec, spawn, terminate
from infra.local.s3proxy import S3Proxy


@asynccontextmanager
async def running_s3proxy(home: Path) -> AsyncIterator[S3Proxy]:
    """S3Proxy over the folder `home`, with fresh credentials, answering on a free port of 127.0.0.1."""
    classes = class_path(await asyncio.to_thread(ensure, load_bundle("s3proxy"), cache_dir()))
    server = S3Proxy(home, find_java(), classes, choose())
    await server.prepare()
    spec = server.spec()
    log = home / "s3proxy.log"
    process = await spawn(spec, log)
    try:
        await _ready(spec, process, log)
        yield server
    finally:
        await terminate(process, signal.SIGTERM, spec.stop_timeout)


async def _ready(spec: ProcessSpec, process: asyncio.subprocess.Process, log: Path) -> None:
    assert spec.probe is not None
    async with asyncio.timeout(spec.ready_timeout):
        while not await spec.probe():
            assert process.returncode is None, log.read_text()[-2000:]
            await asyncio.sleep(0.05)
