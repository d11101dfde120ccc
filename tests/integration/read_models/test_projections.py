"""The projections as a library: schema, positions, vectors, queries, rebuild."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.keystore import SqliteKeystore, seal_json
from infra.settings import Settings
from projections import tables
from projections.apply import DeadLetter, Partition, Ports, apply_batch
from projections.catch_up import Reader, catch_up_all, stored_cursors
from projections.decoding import Decoder
from projections.log_identity import log_identities
from projections.migrate import migrate
from projections.postgres import Pool, create_pool
from projections.queries import Queries
from projections.rebuild import rebuild
from projections.selection import Delivered, GapError
from projections.table import Table
from projections.writers import Unseal
from projections.writers.characters import scrub_embeddings
from schemas.common import Limits, Problem, TaskKind, Tier
from schemas.entities import (
    AssetRegistered,
    CharacterReady,
    CharacterRegistered,
    DeviceChanged,
    DeviceStatus,
    StoryboardDrafted,
    UserRegistered,
)
from schemas.envelope import LedgerRecord
from schemas.errors import InfrastructureError
from schemas.purposes import aad
from schemas.quotas import QuotaLimitChanged
from schemas.serde import Codec
from schemas.tasks import TaskQueued, TaskRejected
from streams.read_models.worker import keystore_unseal
from tests.integration.read_models.conftest import Writer, dumped, eventually
from tests.unit.projections.ledger import Ledger, plan

ALL_TABLES = [value for value in vars(tables).values() if isinstance(value, Table)]


def new_id() -> str:
    return str(uuid.uuid4())


def nothing(_: str, __: bytes) -> None:
    return None


class Applied:
    """Applies stamped events without Kafka; keeps the dead letters."""

    def __init__(self, pool: Pool, unseal: Unseal = nothing) -> None:
        self.pool = pool
        self.letters: list[DeadLetter] = []
        self.ports = Ports(unseal, self._keep)
        self.ledger = Ledger()

    async def __call__(self, topic: str, events: Sequence[LedgerRecord]) -> None:
        batch = [Delivered(offset=event.stamp.partition_seq - 1, record=event) for event in events]
        await apply_batch(self.pool, Partition(topic=topic), batch, self.ports)

    async def _keep(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters


@pytest.fixture
def applied(pool: Pool) -> Applied:
    return Applied(pool)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
async def test_every_field_has_its_column(pool: Pool, table: Table[Any]) -> None:
    columns = await pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema || '.' || table_name = $1", table.name
    )
    assert set(table.columns) == {row["column_name"] for row in columns} - {"encoder", "embedding"}


async def test_the_schema_is_made_once_by_however_many_start_together(settings: Settings) -> None:
    pool = await create_pool(settings.database_url, max_size=6)
    try:
        assert sorted(await asyncio.gather(*(migrate(pool) for _ in range(6)))) == [False] * 5 + [True]
        await pool.execute("COMMENT ON SCHEMA read_models IS 'an older definition'")
        await pool.execute("CREATE TABLE read_models.relic (id int)")
        assert await migrate(pool)
        assert await pool.fetchval("SELECT to_regclass('read_models.relic')") is None
    finally:
        await pool.close()


async def test_a_missing_record_applies_nothing(applied: Applied, pool: Pool, queries: Queries) -> None:
    history = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    with pytest.raises(GapError):
        await applied("tasks", [*history[:2], *history[3:]])
    assert await pool.fetchval("SELECT count(*) FROM read_models.tasks") == 0
    await applied("tasks", history[:2])
    await applied("tasks", history)
    await applied("tasks", history)
    task = await queries.task("ann", "t")
    assert task is not None
    assert (task.status, task.sequence) == ("completed", 5)
    assert await queries.cursor("tasks", 0) == 5
    assert not applied.letters


async def test_two_writers_of_one_partition_do_not_disturb_each_other(applied: Applied, pool: Pool) -> None:
    ledger = applied.ledger
    history = [e for n in range(40) for e in ledger.image(f"t{n}") if type(e).__module__ == "schemas.tasks"]

    async def work() -> None:
        for start in range(0, len(history), 10):
            await applied("tasks", history[start : start + 10])

    await asyncio.gather(work(), work())
    assert await pool.fetchval("SELECT count(*) FROM read_models.tasks WHERE status = 'completed'") == 40
    assert await pool.fetchval("SELECT count(*) FROM read_models.task_events") == 200


async def test_an_event_that_contradicts_the_log_is_set_aside(applied: Applied, queries: Queries) -> None:
    history = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    stray = applied.ledger.task(TaskQueued(task_id="t"))
    more = [event for event in applied.ledger.image("u") if type(event).__module__ == "schemas.tasks"]
    await applied("tasks", [*history, stray, *more])
    assert [letter.delivered.record for letter in applied.letters] == [stray]
    assert "exists already" in applied.letters[0].error
    assert {task.task_id for task in await queries.tasks("ann")} == {"t", "u"}


async def test_compacted_devices_have_holes(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    events = [
        ledger.stamp(DeviceChanged(device_id=f"cpu-{n % 2}", slot=n % 2, epoch=n, status=DeviceStatus.LIVE), "", "d")
        for n in range(6)
    ]
    await applied("devices", [events[1], events[4], events[5]])
    assert [(row.device_id, row.epoch) for row in await queries.devices()] == [("cpu-0", 4), ("cpu-1", 5)]


async def test_lists_filter_and_page(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    events: list[LedgerRecord] = []
    for number in range(6):
        kind = TaskKind.IMAGE if number % 2 else TaskKind.VIDEO
        events.append(ledger.task(TaskQueued(task_id=f"t{number}", kind=kind, priority=5 if number < 5 else 9)))
    rejected = TaskRejected(task_id="no", kind=TaskKind.IMAGE, problem=Problem(code="quota_exceeded"))
    events.append(ledger.task(rejected))
    events.append(ledger.task(TaskQueued(task_id="other"), "bob"))
    await applied("tasks", events)
    first = await queries.tasks("ann", limit=4)
    assert [task.task_id for task in first] == ["t5", "t4", "t3", "t2"]
    rest = await queries.tasks("ann", before=(first[-1].created_at, first[-1].task_id), limit=4)
    assert [task.task_id for task in rest] == ["t1", "t0"]
    assert [task.task_id for task in await queries.tasks("ann", kind=TaskKind.VIDEO)] == ["t4", "t2", "t0"]
    assert await queries.tasks("ann", status="completed") == []
    assert await queries.task("bob", "t1") is None
    assert await queries.task_events("bob", "t1") == []
    refused = await queries.task("ann", "no")
    assert refused is not None
    assert (refused.status, refused.problem) == ("failed", Problem(code="quota_exceeded"))
    assert [await queries.queue_position(name) for name in ("t5", "t0", "t1", "other", "no")] == [1, 2, 3, 7, None]
    assert [row.account_seq for row in await queries.account_events("ann", after_account_seq=5)] == [6, 7]


async def test_users_limits_assets_and_boards(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    user = ledger.stamp(
        UserRegistered(tier=Tier.FREE, limits=Limits(images_per_day=20, videos_per_day=2)), "ann", "ann"
    )
    await applied("users", [user])
    assert await queries.limits("ann") == Limits(images_per_day=20, videos_per_day=2)
    await applied("quotas", [ledger.stamp(QuotaLimitChanged(resource="videos", limit=50), "ann", "ann")])
    assert await queries.limits("ann") == Limits(images_per_day=20, videos_per_day=50)
    assert await queries.limits("bob") is None
    await applied("assets", [ledger.stamp(AssetRegistered(asset_id="a", size=5, sealed=b"k"), "ann", "a")])
    await applied("storyboards", [ledger.stamp(StoryboardDrafted(storyboard_id="s", sealed=b"d"), "ann", "s")])
    asset, board = await queries.asset("ann", "a"), await queries.storyboard("ann", "s")
    assert asset is not None
    assert board is not None
    assert (asset.sealed, board.sealed) == (b"k", b"d")
    assert await queries.asset("bob", "a") is None
    assert await queries.storyboard("bob", "s") is None


def character(ledger: Ledger, keystore: SqliteKeystore, account: str, character_id: str, lead: int) -> list[Any]:
    """A character whose vector points along axis `lead`."""
    vector = [float(axis == lead) for axis in range(512)]
    result = {"recipe": {}, "summary": {}, "data": {"embedding": vector, "encoder": "arc-512"}}
    sealed = seal_json(keystore.account_key(account, create=True), result, aad(account, "result"))
    return [
        ledger.stamp(CharacterRegistered(character_id=character_id, task_id="t"), account, character_id),
        ledger.stamp(CharacterReady(character_id=character_id, task_id="t", sealed=sealed), account, character_id),
    ]


async def test_similar_characters_and_erasure(pool: Pool, queries: Queries, keystore: SqliteKeystore) -> None:
    ann, bob = new_id(), new_id()
    applied = Applied(pool, keystore_unseal(keystore))
    names = {account: [f"{account}-{n}" for n in range(3)] for account in (ann, bob)}
    for account, ids in names.items():
        for lead, character_id in enumerate(ids):
            await applied("characters", character(applied.ledger, keystore, account, character_id, lead))
    probe = [0.9, 0.4] + [0.0] * 766
    found = await queries.similar_characters(ann, "arc-512", probe, limit=2)
    assert [row.character_id for row, _ in found] == names[ann][:2]
    assert found[0][1] == pytest.approx(0.9 / (0.9**2 + 0.4**2) ** 0.5, abs=1e-4)
    assert await queries.similar_characters(ann, "another", probe) == []
    indexes = await pool.fetch("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'characters_embedding_%'")
    assert len(indexes) == 1
    assert "hnsw" in indexes[0]["indexdef"]
    assert "arc-512" in indexes[0]["indexdef"]

    keystore.erase_account(ann)
    async with pool.acquire() as connection:
        assert await scrub_embeddings(connection, ann) == 3
    assert await queries.similar_characters(ann, "arc-512", probe) == []
    assert len(await queries.similar_characters(bob, "arc-512", probe)) == 3


async def test_after_an_erasure_the_scrubbed_rows_equal_a_rebuild(
    reader: Reader, writer: Writer, keystore: SqliteKeystore, other_settings: Settings
) -> None:
    account = new_id()
    await writer.write(character(writer.ledger, keystore, account, new_id(), 0))
    await catch_up_all(reader)
    assert (
        await reader.pool.fetchval("SELECT encoder FROM read_models.characters WHERE account_id = $1", account)
        == "arc-512"
    )
    keystore.erase_account(account)
    async with reader.pool.acquire() as connection:
        await scrub_embeddings(connection, account)
    await rebuild(other_settings, ["characters"], keystore_unseal(keystore))
    rebuilt = await create_pool(other_settings.database_url)
    try:
        ours = [line for line in await dumped(reader.pool) if account in line]
        assert ours
        assert ours == [line for line in await dumped(rebuilt) if account in line]
    finally:
        await rebuilt.close()


@pytest.fixture
async def reader(settings: Settings, pool: Pool, codec: Codec, keystore: SqliteKeystore) -> Reader:
    async def fail(letters: Sequence[DeadLetter]) -> None:
        unexpected = [letter for letter in letters if letter.delivered.key != b"poison"]
        assert not unexpected

    return Reader(settings, pool, Decoder(codec, settings), Ports(keystore_unseal(keystore), fail))


@pytest.mark.parametrize("change", ["cluster_id = 'another'", "topic_id = 'another'", "next_offset = 1000000000"])
async def test_a_position_in_another_log_starts_again(
    reader: Reader, writer: Writer, queries: Queries, change: str
) -> None:
    account, task_id = new_id(), new_id()
    await writer.write(writer.ledger.image(task_id, account))
    await catch_up_all(reader)
    await reader.pool.execute(f"UPDATE read_models.projection_cursors SET {change} WHERE topic = 'tasks'")
    await reader.pool.execute("INSERT INTO read_models.task_results VALUES ('stale', 's', '', 1)")
    await catch_up_all(reader)
    assert await queries.task(account, task_id) is not None
    assert await reader.pool.fetchval("SELECT count(*) FROM read_models.task_results WHERE task_id = 'stale'") == 0
    cursor = (await stored_cursors(reader.pool))["tasks", 0]
    assert (cursor.cluster_id, cursor.partition_seq) != ("another", 0)
    assert cursor.partition_seq == writer.ledger.partition_seq["tasks"]


async def test_a_topic_made_anew_has_another_identity(settings: Settings) -> None:
    name, seen = f"scratch-{uuid.uuid4().hex}", set()
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()

    async def another() -> bool:
        try:
            found = (await log_identities(settings, [name]))[name]
        except InfrastructureError:  # not visible yet
            return False
        new = found not in seen
        seen.add(found)
        return new

    try:
        for _ in range(2):
            await admin.create_topics([NewTopic(name, 1, 1)])
            await eventually(another, 10)
            await admin.delete_topics([name])
    finally:
        await admin.close()
    assert len({identity.cluster_id for identity in seen}) == 1
    assert len({identity.topic_id for identity in seen}) == 2


async def test_a_wait_ends_when_the_row_is_there_or_the_time_is_up(applied: Applied, queries: Queries) -> None:
    assert not await queries.wait_for("users", 0, 1, 0.05)
    waiting = asyncio.create_task(queries.wait_for("users", 0, 1, 5))
    await applied("users", [applied.ledger.stamp(UserRegistered(), "ann", "ann")])
    assert await waiting


async def test_results_of_a_task_come_with_it_alone(applied: Applied, queries: Queries) -> None:
    history = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    await applied("tasks", [*history, applied.ledger.task(TaskQueued(task_id="u", stages=[plan("image-1")]))])
    task, other = await queries.task("ann", "t"), await queries.task("ann", "u")
    assert task is not None
    assert other is not None
    assert (task.results, other.results) == ({"image-1": b"recipe"}, {})
    assert [row.results for row in await queries.tasks("ann")] == [{}, {}]
