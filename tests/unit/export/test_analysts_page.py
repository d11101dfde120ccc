"""The page for analysts: its queries give the results it shows, its settings fit the topics."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from infra.export.columns import columns_of
from infra.export.parquet import Parquet
from schemas.common import Problem, StageKind, StagePlan, TaskKind
from schemas.entities import AssetRegistered, UserRegistered
from schemas.envelope import Envelope, Record, Stamp
from schemas.quotas import QuotaCommitted, QuotaReserved
from schemas.render import StageFailedReport
from schemas.serde import parsed_schema, subject_of
from schemas.tasks import StageCompleted, StageRetryScheduled, StageStarted, TaskCompleted, TaskFailed, TaskQueued
from schemas.topics import BY_NAME, TOPIC_OF
from tests.unit.export.samples import DAY, NOON, Offline, entry, written

DOCS = Path(__file__).parents[3] / "infra/docs"
PAGE = (DOCS / "analysts.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sql\n(.*?)```\n\n((?:\|[^\n]*\n)+)", PAGE, re.DOTALL)
LACKING_MEMORY = Problem(code="out_of_memory", retryable=True)


class Log:
    """Events as the coordinator and the devices would write them."""

    def __init__(self) -> None:
        self.records: list[tuple[Record, int]] = []

    def ledger(self, kind: type[Any], account: str, ms: int, day: int = 0, /, **fields: Any) -> None:
        number = sum(hasattr(record, "stamp") for record, _ in self.records) + 1
        event = kind(envelope=self._envelope(account, ms), stamp=Stamp(shard_seq=number), **fields)
        self.records.append((event, NOON + day * DAY))

    def report(self, **fields: Any) -> None:
        self.records.append((StageFailedReport(envelope=self._envelope("", 0), **fields), NOON))

    def image(
        self, task_id: str, account: str, wait: int, render: int, *, day: int = 0, engine: str = "sketch"
    ) -> None:
        stage = StagePlan(stage_id="image-1", kind=StageKind.SHOT, engine=engine)
        self.ledger(TaskQueued, account, 0, day, task_id=task_id, kind=TaskKind.IMAGE, stages=[stage])
        self.ledger(StageStarted, account, wait, day, task_id=task_id, stage_id="image-1", attempt=1)
        self.ledger(StageCompleted, account, wait + render, day, task_id=task_id, stage_id="image-1", render_ms=render)
        self.ledger(TaskCompleted, account, wait + render, day, task_id=task_id)

    def _envelope(self, account: str, ms: int) -> Envelope:
        return Envelope(
            account_id=account, occurred_at=datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(milliseconds=ms)
        )


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = Log()
    log.image("kite", "ann", wait=100, render=4000)
    log.image("lamp", "ann", wait=200, render=2500)
    log.image("boat", "bob", wait=300, render=2000, day=1)
    shot = StagePlan(stage_id="shot-1", kind=StageKind.SHOT, engine="diffusers")
    log.ledger(TaskQueued, "bob", 0, task_id="film", kind=TaskKind.VIDEO, stages=[shot])
    log.ledger(StageStarted, "bob", 1000, task_id="film", stage_id="shot-1", attempt=1)
    log.ledger(StageRetryScheduled, "bob", 2000, task_id="film", stage_id="shot-1", attempt=1, problem=LACKING_MEMORY)
    log.ledger(TaskFailed, "bob", 9000, task_id="film", problem=LACKING_MEMORY)
    log.ledger(TaskQueued, "ann", 0, task_id="again", kind=TaskKind.IMAGE)
    log.ledger(TaskCompleted, "ann", 1, task_id="again", cached=True, cached_from="kite")
    for account, amount in (("ann", 1), ("ann", 2), ("bob", 1)):
        log.ledger(QuotaReserved, account, 0, resource="images", amount=amount)
        log.ledger(QuotaCommitted, account, 0, resource="images", amount=amount)
    for _ in range(2):
        log.report(task_id="film", stage_id="shot-1", problem=LACKING_MEMORY)
    log.report(task_id="kite", stage_id="image-1", problem=Problem(code="render_failed"))
    log.report(task_id="lamp", stage_id="image-1", cancelled=True)

    folder = tmp_path_factory.mktemp("analysts")
    for topic in sorted({TOPIC_OF[type(record)].name for record, _ in log.records}):
        ours = [(record, at) for record, at in log.records if TOPIC_OF[type(record)].name == topic]
        written(folder / "export", Parquet(Offline()), [entry(record, n, at) for n, (record, at) in enumerate(ours)])
    return folder


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines() if "---" not in line]


def test_every_query_is_shown_with_its_result() -> None:
    assert len(EXAMPLES) == len(re.findall(r"^```sql$", PAGE, re.MULTILINE)) == 5


@pytest.mark.parametrize(("sql", "table"), EXAMPLES, ids=[f"query-{n}" for n in range(1, len(EXAMPLES) + 1)])
def test_a_query_gives_what_the_page_shows(export: Path, sql: str, table: str) -> None:
    with duckdb.connect() as connection:
        found = connection.execute(sql.replace("'export/", f"'{export}/export/"))
        heading = [column[0] for column in found.description or []]
        rows = [["" if value is None else str(value) for value in row] for row in found.fetchall()]
    assert [heading, *rows] == cells(table)


def test_the_columns_of_the_page_are_those_of_the_files() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.partition("### Columns")[2].partition("## Questions")[0]))
    common = {name for name in columns_of(BY_NAME["assets"]) if name not in AssetRegistered.__struct_fields__}
    assert common <= named


def test_the_settings_for_connect_fit_the_topics() -> None:
    text = (DOCS / "examples/connect-s3.json").read_text(encoding="utf-8")
    assert f"```json\n{text}```" in PAGE
    config = json.loads(text)["config"]
    topics = config["topics"].split(",")
    kept_for_ever = {
        t.name
        for t in BY_NAME.values()
        if t.writer == "coordinator" and t.records and not t.compact and t.retention_ms is None
    }
    assert set(topics) <= set(BY_NAME)
    assert set(topics) == kept_for_ever & set(topics)
    assert config["consumer.override.isolation.level"] == "read_committed"
    assert config["value.converter"].endswith("AvroConverter")
    assert config["value.converter.schema.registry.url"].endswith("/apis/ccompat/v7")
    assert config["value.converter.value.subject.name.strategy"].endswith(".TopicRecordNameStrategy")
    assert subject_of(UserRegistered) == "users-storyreel.UserRegistered", "what that strategy looks for"
    assert config["schema.compatibility"] == "FULL_TRANSITIVE"


def test_the_table_for_flink_has_the_fields_of_the_record() -> None:
    [ddl] = re.findall(r"```sql flink\n(.*?)```", PAGE, re.DOTALL)
    fields = {field["name"]: field["type"] for field in parsed_schema(AssetRegistered)["fields"]}
    columns = re.findall(r"^  `?(\w+)`? (ROW<.*>|\w+)", ddl.partition(") WITH")[0], re.MULTILINE)
    assert [name for name, _ in columns] == ["envelope", "stamp", "content_type", "size"]
    for name, kind in columns:
        if kind.startswith("ROW"):
            inner = {field["name"] for field in fields[name]["fields"]}
            assert {word.split()[0] for word in kind[4:-1].split(", ")} <= inner
    assert [record.__name__ for record in BY_NAME["assets"].records] == ["AssetRegistered"], (
        "the format reads one record a topic"
    )
