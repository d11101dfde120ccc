"""The schema registry: what it refuses, and who need not wait for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from infra.kafka_admin import describe
from infra.local import ports
from infra.local.parts import Parts, fetch_parts
from infra.local.stack import LocalStack, StackOptions
from infra.registry import load_codec, register_all
from infra.settings import Settings
from schemas.errors import InfrastructureError
from schemas.serde import schema_text, subject_of
from schemas.topics import TASKS
from tests.integration.local.helpers import Topic, execute, fetch_value, pid_of, ready_again, until

RECORD = TASKS.records[0]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="storyreel-test-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "data"


async def test_only_changes_that_old_and_new_readers_survive_are_taken(kafka_settings: Settings) -> None:
    await load_codec(kafka_settings)
    subject = subject_of(RECORD)
    async with httpx.AsyncClient(base_url=kafka_settings.registry_url, trust_env=False, timeout=20) as client:
        assert (await client.get("/config")).json()["compatibilityLevel"] == "FULL_TRANSITIVE"

        async def posted(path: str, fields: list[dict[str, object]]) -> httpx.Response:
            schema = json.loads(schema_text(RECORD))
            changed = json.dumps(schema | {"fields": schema["fields"] + fields})
            return await client.post(path, json={"schema": changed, "schemaType": "AVRO"})

        required: list[dict[str, object]] = [{"name": "added", "type": "string"}]
        optional: list[dict[str, object]] = [{"name": "added", "type": "string", "default": ""}]
        refused = await posted(f"/subjects/{subject}/versions", required)
        assert refused.status_code == 409, refused.text
        check = f"/compatibility/subjects/{subject}/versions/latest"
        assert (await posted(check, optional)).json()["is_compatible"] is True
        assert (await posted(check, required)).json()["is_compatible"] is False
        assert (await client.get(f"/subjects/{subject}/versions")).json() == [1]


async def test_registering_again_changes_nothing(kafka_settings: Settings, tmp_path: Path) -> None:
    await load_codec(kafka_settings)
    ids = register_all(kafka_settings)
    assert register_all(replace(kafka_settings, data_dir=tmp_path)) == ids


async def test_known_ids_a_foreign_database_and_a_neighbour(
    folder: Path, stack: LocalStack, database: str, tmp_path: Path
) -> None:
    """A second start needs no registry; a database of one's own replaces PostgreSQL; stacks do not see each other."""
    own = Topic("own")
    async with LocalStack(folder, options=StackOptions(topics=[own])) as first:
        assert not set(first.state.ports.values()) & set(stack.state.ports.values())
        assert "own" in [topic.name for topic in await describe(first.settings.kafka)]
        assert "own" not in [topic.name for topic in await describe(stack.settings.kafka)]
        codec = await load_codec(first.settings)

        await execute(first.settings.database_url, "CREATE TABLE films AS SELECT 7 AS number")
        server = pid_of(first, "postgres")
        os.kill(server, signal.SIGKILL)
        await until(lambda: ready_again(first, "postgres", server))
        assert await fetch_value(first.settings.database_url, "SELECT number FROM films") == 7

    broken = tmp_path / "registry"
    broken.mkdir()
    (broken / "app-runner.jar").write_bytes(b"not a program")
    parts = fetch_parts()
    options = StackOptions(topics=[own], database_url=database)
    async with LocalStack(folder, options=options, parts=Parts(parts.java, parts.kafka, broken)) as second:
        states = {record.name: record.state for record in second.state.processes}
        assert states["kafka"] == "ready"
        assert states["registry"] != "ready"
        assert "postgres" not in states
        assert second.settings.database_url == database
        assert (await load_codec(second.settings))._ids == codec._ids

    shutil.rmtree(folder / "kafka")  # another broker has other ids
    options = StackOptions(database_url=f"postgresql://me:secret@127.0.0.1:{ports.choose()}/film")
    with pytest.raises(InfrastructureError, match=r"^DATABASE_URL: postgresql://127\.0\.0\.1:\d+/film does not answer"):
        await LocalStack(folder, options=options, parts=parts).start()
    assert not (folder / "schema-ids.json").exists()
