"""A small true log: the real coordinator decides for accounts, devices answer, some records have expired."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aiokafka import TopicPartition
from msgspec.structs import replace

from infra.cli.export import FormatName, chosen_format
from infra.export.log_export import Exported, Window, export
from infra.kafka_admin import delete_before, describe
from infra.keystore import open_keystore
from infra.local.stack import LocalStack, StackOptions
from infra.settings import Settings
from projections.postgres import create_pool
from projections.rebuild import dump, rebuild
from projections.unsealing import keystore_unseal
from schemas.decisions import Outcome
from schemas.render import StageProgressed
from schemas.requests import ImageRequested
from schemas.tasks import TaskCompleted
from schemas.topics import BY_NAME, REPORTS
from tests.integration.coordinator.desk import Coordinator, Desk, images
from tests.integration.coordinator.device import device

BASE = Settings(
    device_slots=4, lease_timeout=5.0, heartbeat_interval=0.5, coordinator_session=6.0, coordinator_heartbeat=0.3
)
ENGINE = "press"


def small_stack(folder: Path, options: StackOptions | None = None) -> LocalStack:
    """Infrastructure with few device slots."""
    return LocalStack(folder, options=options or StackOptions(base=BASE))


async def record(desk: Desk, coordinator: Coordinator) -> list[ImageRequested]:
    """Two accounts, a device that comes, works and goes, finished and waiting tasks; the coordinator ends cleanly."""
    await coordinator.start()
    accounts = [await desk.account() for _ in range(2)]
    async with device(desk, ENGINE, works=True):
        asked = [images(account, ENGINE, count=2) for account in accounts for _ in range(3)]
        for request in asked:
            assert (await desk.ask(request)).outcome is Outcome.ACCEPTED
        await desk.expect(TaskCompleted, count=len(asked))
        await desk.write(StageProgressed(task_id=asked[0].request.task_id, percent=50.0))
    await desk.producer.send("requests", b"\x01no record", key=b"poison", partition=0)
    waiting = images(accounts[0], "nobody-has-it")
    await desk.ask(waiting)
    assert await coordinator.stop() == 0
    return [*asked, waiting]


async def expire_reports(settings: Settings, count: int) -> None:
    """What retention does to the oldest reports."""
    await delete_before(settings.kafka, {TopicPartition(REPORTS.name, 0): count})


async def read_models(settings: Settings) -> list[str]:
    """The lines of all read models, derived from nothing but the log."""
    await rebuild(settings, None, keystore_unseal(open_keystore(settings, os.environ)))
    pool = await create_pool(settings.database_url, max_size=1)
    try:
        return [line async for line in dump(pool)]
    finally:
        await pool.close()


async def offsets(settings: Settings, topic: str) -> tuple[int, int]:
    """Begin and end of a topic's partition 0."""
    [found] = await describe(settings.kafka, [topic])
    return found.partitions[0].begin, found.partitions[0].end


async def exported(
    settings: Settings,
    folder: Path,
    name: FormatName,
    topics: Sequence[str] = tuple(BY_NAME),
    window: Window | None = None,
) -> Exported:
    """What `storyreel log export` does."""
    made_by = await chosen_format(settings, name)
    return await export(settings.kafka, folder, made_by, topics, window or Window(), lambda *_: None)


async def storyreel(settings: Settings, *arguments: str, folder: Path, **variables: str) -> tuple[int, str, str]:
    """A command against the cluster of the settings, as another machine would give it: status, output, errors."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STORYREEL_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.cli",
        *arguments,
        "--data",
        str(folder / "nothing-runs-here"),
        env=inherited | replace(settings, data_dir=folder / "ids").to_env() | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode or 0, out.decode(), err.decode()


def places(rows: Sequence[tuple[object, ...]]) -> set[tuple[object, ...]]:
    """Rows as a set; fails if one comes twice."""
    found = set(rows)
    assert len(found) == len(rows)
    return found
