"""Records and bytes: the stored schemas are the truth, framing is Confluent's, hostile bytes do no harm."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.common import Artifact, StageKind, StagePlan
from schemas.derive import avro_schema, avsc_path, render_avsc
from schemas.envelope import Record
from schemas.errors import ContractError
from schemas.serde import (
    HEADER,
    MAX_BODY,
    Codec,
    UnknownSchemaError,
    canonical_fingerprint,
    chain_hash,
    header_map,
    schema_text,
)
from schemas.tasks import StageCompleted, TaskQueued
from schemas.topics import LEDGER_TOPICS, TOPIC_OF, TOPICS

RECORDS = sorted(TOPIC_OF, key=lambda record: record.__name__)
CODEC = Codec({record.__name__: number for number, record in enumerate(RECORDS, start=1)})


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_stored_schema_is_the_typed_record(record: type[Record]) -> None:
    assert avsc_path(record).read_text(encoding="utf-8") == render_avsc(record)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_survives_its_bytes(record: type[Record]) -> None:
    assert CODEC.decode(CODEC.encode(record()), TOPIC_OF[record].name) == record()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_has_a_default_and_every_enum_too(record: type[Record]) -> None:
    text = json.dumps(avro_schema(record))
    schema = json.loads(text)
    assert all("default" in field for field in schema["fields"])
    assert text.count('"type": "enum"') == text.count('"symbols"')


def test_no_stored_schema_is_left_over() -> None:
    stored = {path.stem for path in avsc_path(TaskQueued).parent.glob("*.avsc")}
    assert stored == {record.__name__ for record in RECORDS}


@given(st.text(max_size=80), st.binary(max_size=200), st.integers(0, 2**40), st.integers(0, 5))
def test_fields_survive(text: str, sealed: bytes, work: int, count: int) -> None:
    plan = StagePlan(stage_id=text, kind=StageKind.SHOT, sealed=sealed, work=work, depends_on=[text] * count)
    event = TaskQueued(task_id=text, stages=[plan] * count, sealed=sealed)
    assert CODEC.decode(CODEC.encode(event)) == event


@given(st.binary(max_size=400))
@settings(max_examples=400)
def test_hostile_bytes_are_refused_with_a_contract_error(value: bytes) -> None:
    for number in (1, 17, len(RECORDS)):
        for hostile in (value, HEADER.pack(0, number) + value):
            try:
                CODEC.decode(hostile)
            except ContractError:
                continue


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "shorter"),
        (b"\x00\x00", "shorter"),
        (b"\x01\x00\x00\x00\x01", "magic"),
        (HEADER.pack(0, 1) + b"\x00" * (MAX_BODY + 1), "exceeds"),
    ],
)
def test_bad_framing_says_what_is_wrong(value: bytes | None, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        CODEC.decode(value)


def test_an_unknown_id_can_be_learnt() -> None:
    value = HEADER.pack(0, 9_999) + CODEC.encode(StageCompleted(task_id="t"))[HEADER.size :]
    codec = Codec({record.__name__: number for number, record in enumerate(RECORDS, start=1)})
    with pytest.raises(UnknownSchemaError) as error:
        codec.decode(value)
    codec.learn(error.value.schema_id, schema_text(StageCompleted))
    assert codec.decode(value) == StageCompleted(task_id="t")


def test_an_older_version_reads_as_todays_record() -> None:
    old = json.loads(schema_text(StageCompleted))
    old["fields"] = [field for field in old["fields"] if field["name"] != "render_ms"]
    codec = Codec({record.__name__: number for number, record in enumerate(RECORDS, start=1)})
    codec.learn(77, json.dumps(old))
    new = StageCompleted(task_id="t", artifacts=[Artifact(key="k")])
    import io

    import msgspec

    out = io.BytesIO()
    data = msgspec.to_builtins(new, builtin_types=(bytes, type(new.envelope.occurred_at)))
    fastavro.schemaless_writer(out, fastavro.parse_schema(old), data)
    assert codec.decode(HEADER.pack(0, 77) + out.getvalue()) == new


def test_the_ledger_hash_covers_the_schema_a_record_was_written_with() -> None:
    old = json.loads(schema_text(StageCompleted))
    old["fields"] = [field for field in old["fields"] if field["name"] != "render_ms"]
    codec = Codec({record.__name__: number for number, record in enumerate(RECORDS, start=1)})
    codec.learn(77, json.dumps(old))
    value = codec.encode(StageCompleted(task_id="t"))
    body = value[HEADER.size :]
    assert codec.ledger_hash(b"before", value) == chain_hash(b"before", StageCompleted, body)
    written_before = HEADER.pack(0, 77) + body
    expected = hashlib.sha256(b"before" + canonical_fingerprint(old) + body).digest()
    assert codec.ledger_hash(b"before", written_before) == expected != chain_hash(b"before", StageCompleted, body)


def test_a_record_of_another_topic_is_refused() -> None:
    with pytest.raises(ContractError, match="does not belong"):
        CODEC.decode(CODEC.encode(TaskQueued()), "quotas")


def test_headers_carry_cloudevents_and_the_trace() -> None:
    ids: dict[str, Any] = {
        "correlation_id": "0198c0de-0000-7000-8000-000000000001",
        "event_id": "0198c0de-0000-5000-8000-000000000002",
    }
    event = TaskQueued(envelope=type(TaskQueued().envelope)(**ids))
    headers = header_map(CODEC.headers(event, "storyreel/coordinator"))
    assert headers["ce_type"] == "storyreel.TaskQueued"
    assert headers["traceparent"] == "00-0198c0de000070008000000000000001-8000000000000002-01"
    assert len(headers["schema-sha256"]) == 64


def test_every_record_has_one_topic_and_every_topic_one_writer() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert sum(len(topic.records) for topic in TOPICS) == len(TOPIC_OF)
    assert {topic.writer for topic in LEDGER_TOPICS} == {"coordinator"}
