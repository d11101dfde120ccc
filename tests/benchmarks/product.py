"""The product as a side: the whole local stack with two CPU devices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from infra.cli.user import create_user
from infra.local import ports
from infra.local.apps import APPS
from infra.local.stack import LocalStack, StackOptions
from schemas.topics import TOPICS
from tests.benchmarks.sides import ACCOUNTS
from tests.faults.checker import examine
from tests.faults.checker.collect import collected
from tests.faults.checker.quiet import wait_quiet

DEVICES = 2
QUIET_S = 120.0


class Product:
    """See `tests.benchmarks.sides.Side`."""

    name = "storyreel"

    def __init__(self, stack: LocalStack, database: asyncpg.Connection) -> None:
        self.stack, self._database = stack, database
        self.base_url, self.logs = stack.settings.base_url, stack.paths.logs
        self.keys: list[str] = []

    def processes(self) -> dict[str, int]:
        supervisor = self.stack.supervisor
        assert supervisor is not None
        runners = supervisor.runners.items()
        return {name: runner.process.pid for name, runner in runners if runner.process is not None}

    async def completed(self) -> int:
        count = await self._database.fetchval("SELECT count(*) FROM read_models.tasks WHERE status = 'completed'")
        return int(count)

    async def rested(self) -> str:
        """Quiet, and no invariant is broken: the checker of the fault runs looks at the log, the tables and the objects."""
        quiet_s = await wait_quiet(self.stack.settings, QUIET_S)
        async with collected(self.stack.settings, quiet_s=quiet_s, bound_s=QUIET_S, grace_s=3_600) as evidence:
            findings = await asyncio.to_thread(examine, evidence)
        assert not findings.violations, f"{findings.violations[0]} and {len(findings.violations) - 1} more violations"
        return f"0 violations in {findings.events:,} records"


@asynccontextmanager
async def running_product(folder: Path) -> AsyncIterator[Product]:
    """A fresh stack in `folder`, with accounts."""
    folder.mkdir(mode=0o711)
    options = StackOptions(apps=APPS, devices=DEVICES, topics=TOPICS, api_port=ports.choose(None, frozenset()))
    async with LocalStack(folder, options=options) as stack:
        connection = await asyncpg.connect(stack.settings.database_url)
        product = Product(stack, connection)
        users = [await asyncio.to_thread(create_user, stack.settings, "vip") for _ in range(ACCOUNTS)]
        product.keys = [str(user["api_key"]) for user in users]
        yield product
        await connection.close()
