"""The hand-written parts of the page about topics."""

from __future__ import annotations

INTRODUCTION = """
# Topics and records

Everything that storyreel knows was first a record on Kafka. This page is for people who read those records with their own
tools. The tables are written by `python -m infra.topic_docs` from `schemas/`; a test fails when they are out of date.
"""

TOPIC_NOTES = """
A shard is the part of the accounts that one coordinator decides for; today there is one, so all `one a shard` topics have
one partition. A device slot is a partition of `render.commands`; its lease says which device owns it. Producers choose
partitions explicitly, the key only names the aggregate. Topics are created by the stack, the broker creates none by itself.

What is kept for ever is enough to rebuild everything else: the coordinator's state and every table of PostgreSQL.
`dead.letters` holds records that a reader could not use, with their original bytes. Every reader keeps the record's own
headers and adds `dlq.topic`, `dlq.partition`, `dlq.offset`, `dlq.reader`, `dlq.error`, `dlq.reason`, `dlq.attempts` and
`dlq.key`. A record above 33.5 MB is cut: the first half of that is kept, with `dlq.size` and `dlq.sha256` in place of its own
headers. The coordinator's letters have the record's key, the others `TOPIC-PARTITION-OFFSET`. A letter that was sent again
with `storyreel dlq redrive` is followed by an empty marker record with `dlq.redriven_offset`; the copy carries `dlq.redriven`.
"""

BYTES = """
## Bytes of a record

The value is Confluent framing around an Avro body:

| bytes | content |
| --- | --- |
| 1 | 0 |
| 4 | schema id in the registry, big endian |
| the rest | Avro 1.12 binary body, at most 1,500,000 bytes |

Subjects are named `TOPIC-storyreel.RECORD` (the TopicRecordNameStrategy of Confluent's serializers), because a topic
carries several records. Compatibility is `FULL_TRANSITIVE`: every field has a default and every pair of versions can read
one another. The `.avsc` files in `schemas/avro/` are what is registered.

| header | content |
| --- | --- |
| `ce_specversion`, `ce_id`, `ce_source`, `ce_time` | CloudEvents 1.0, Kafka binding in binary mode |
| `ce_type` | `storyreel.RECORD` |
| `content-type` | `application/vnd.apache.avro` |
| `schema-sha256` | hex SHA-256 of the schema's parsing canonical form |
| `traceparent` | W3C trace context: the correlation id as trace id; only where there is one |

Records of the coordinator are written in transactions. Read with `isolation.level=read_committed`, or you will see records
of transactions that were aborted. Offsets have gaps where Kafka keeps its transaction markers.
"""

LEDGER = """
## The ledger: numbers and hashes

Every record of the coordinator carries a [stamp](#stamp). Over all its topics, `shard_seq` counts without holes, and
`prev_hash` chains the records in that order:

```text
hash(record) = SHA-256( prev_hash of the record ‖ SHA-256 of the schema's parsing canonical form ‖ Avro body )
prev_hash(next record of the shard) = hash(record);  prev_hash(first record) = 32 zero bytes
```

The body contains the stamp, so numbers, positions and content are all covered. To check a shard, read the topics whose
writer is the coordinator, sort by `shard_seq` and compare each `prev_hash` with the hash of the record before. Records of
`decisions` and `render.commands` expire and `devices` is compacted, so on an old log some neighbours are missing;
`partition_seq` of the topics that are kept for ever must still be without holes. An input was consumed when a record's
`requests_position` or `reports_position` lies behind it; the coordinator commits no consumer offsets.

`storyreel log verify` does this and much more, [signed checkpoints](audit.md) keep the chain from being written anew. The bare
check as a program of your own, which prints for example `109 records, 109 links compared, 0 wrong`:
"""

PRIVACY = """
## What is ciphertext

Fields named `sealed` are encrypted: 1 byte version (1), 12 bytes nonce, AES-256-GCM ciphertext with its 16-byte tag. The
key belongs to one account and lies in the keystore, never on the log. The associated data binds a ciphertext to its
account and to its purpose:

| purpose | plaintext (JSON) | fields |
| --- | --- | --- |
| `spec` | a spec of `schemas/specs.py` | `StagePlan.sealed`, `RenderCommand.sealed` |
| `request` | the parameters as asked | `sealed` of requests for work, `TaskQueued.sealed` |
| `result` | recipe, summary and data of an engine | `StageCompleted`, `CharacterReady`, `StoryboardDrafted`, reports |
| `profile` | name, description, metadata, photo keys | `CharacterSubmitted`, `CharacterRegistered` |
| `asset` | object key, file name | `AssetSubmitted`, `AssetRegistered` |
| `webhook` | URL, description | `WebhookSubmitted`, `WebhookRegistered` |

So prompts, scripts, names, embeddings and the keys of uploads are never in clear on a topic. In clear are ids, sizes,
times, engines, seeds, keys of results, the client's `project` label and the words of problems. When an account's key is
destroyed, its ciphertexts stay on the log as noise and everything that counts or sums still works.
"""

READING = """
## Reading topics

`storyreel status` shows the addresses of broker and registry of a running stack. The quickest reader is the command line;
it prints one JSON object a line and asks for no schema:

```console
$ .venv/bin/storyreel log tail --topic tasks --topic quotas --from-beginning --limit 20
$ .venv/bin/storyreel log tail --topic tasks --follow
$ .venv/bin/storyreel topics describe
```

### Python

A reader without any code of storyreel; with `127.0.0.1:9092 http://127.0.0.1:8081/apis/ccompat/v7 tasks` it prints lines
such as `0 storyreel.TaskQueued 2026-11-24T09:54:16.333825+00:00 303c4a37-ba4a-54cc-af48-efb262b51cad`.
"""

OTHER_READERS = """
Inside this repository the same is shorter: `infra.registry.load_codec` gives a `schemas.serde.Codec` whose `decode` returns
the typed records.

### DuckDB

The lines of `storyreel log tail` are a table:

```console
$ .venv/bin/storyreel log tail --topic tasks --from-beginning > tasks.jsonl
$ duckdb -c "SELECT type, count(*), avg(value.render_ms) FROM read_json_auto('tasks.jsonl') GROUP BY type"
```

### kcat

```console
$ kcat -b 127.0.0.1:9092 -C -t tasks -o beginning -e -X isolation.level=read_committed \\
    -s value=avro -r http://127.0.0.1:8081/apis/ccompat/v7 -f '%o %k %s\\n'
```

### Flink

The `avro-confluent` format reads one record type a table. A topic carries several, so filter by the header before decoding
(`DataStream` with a `KafkaRecordDeserializationSchema` that looks at `ce_type`), or use SQL on topics with one record:

```sql
CREATE TABLE decisions (request_id STRING, task_id STRING, outcome STRING, task_status STRING, estimated_ms BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'decisions', 'properties.bootstrap.servers' = '127.0.0.1:9092',
      'properties.isolation.level' = 'read_committed', 'scan.startup.mode' = 'earliest-offset',
      'format' = 'avro-confluent', 'avro-confluent.url' = 'http://127.0.0.1:8081/apis/ccompat/v7');
```

Of these, Python and the SQL of DuckDB were run against a stack, and so was Confluent's own `AvroDeserializer`; kcat and Flink
were not at hand. They rely on nothing but the framing and the registry's interface described above.
"""
