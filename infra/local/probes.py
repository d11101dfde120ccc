"""Ways to see that a process is ready."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from infra.local.process import Action, Probe


def file_exists(path: Path) -> Probe:
    """Ready when the process has written `path` (see `infra.ready.mark_ready`)."""

    async def probe() -> bool:
        return path.exists()

    return probe


def remove(path: Path) -> Action:
    """Forget the ready file of an earlier run."""

    async def prepare() -> None:
        path.unlink(missing_ok=True)

    return prepare


def http_ok(url: str) -> Probe:
    """Ready when GET `url` answers 200."""

    async def probe() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                return (await client.get(url)).status_code == 200
        except httpx.TransportError:
            return False

    return probe


def tcp_open(port: int, host: str = "127.0.0.1") -> Probe:
    """Ready when something accepts connections on the port."""

    async def probe() -> bool:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            return False
        writer.close()
        return True

    return probe
