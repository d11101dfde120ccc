"""Check the numbers and hashes of the coordinator's ledger: `python verify_chain.py BOOTSTRAP REGISTRY_URL [SHARD]`."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import struct
import sys
from typing import Any
from urllib.request import urlopen

import fastavro
import fastavro.schema
from aiokafka import AIOKafkaConsumer

KEPT_FOR_EVER = {"tasks", "quotas", "users", "characters", "assets", "storyboards", "webhooks"}
LEDGER = (*sorted(KEPT_FOR_EVER), "decisions", "devices", "render.commands")
GENESIS = bytes(32)


class Schemas:
    """Schemas of a registry with the SHA-256 of their parsing canonical form."""

    def __init__(self, registry_url: str) -> None:
        self._registry_url = registry_url
        self._known: dict[int, tuple[Any, bytes]] = {}

    def get(self, schema_id: int) -> tuple[Any, bytes]:
        """Parsed schema and fingerprint."""
        if schema_id not in self._known:
            with urlopen(f"{self._registry_url}/schemas/ids/{schema_id}") as answer:  # noqa: S310 - our own registry
                schema = json.loads(json.load(answer)["schema"])
            canonical = fastavro.schema.to_parsing_canonical_form(schema)
            self._known[schema_id] = fastavro.parse_schema(schema), hashlib.sha256(canonical.encode()).digest()
        return self._known[schema_id]


async def read(bootstrap: str, schemas: Schemas) -> list[tuple[str, int, dict[str, Any], bytes]]:
    """Topic, partition, stamp and ledger hash of every record of the ledger."""
    consumer = AIOKafkaConsumer(
        *LEDGER, bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    found = []
    try:
        while batches := await consumer.getmany(timeout_ms=2000):
            for message in (m for messages in batches.values() for m in messages):
                schema, fingerprint = schemas.get(struct.unpack(">bI", message.value[:5])[1])
                body = message.value[5:]
                record: Any = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
                stamp = record["stamp"]
                digest = hashlib.sha256(stamp["prev_hash"] + fingerprint + body).digest()
                found.append((message.topic, message.partition, stamp, digest))
    finally:
        await consumer.stop()
    return found


def check(records: list[tuple[str, int, dict[str, Any], bytes]], shard: int) -> tuple[int, list[str]]:
    """How many neighbours were compared, and what is wrong. A record that expired leaves a pair uncompared, no more."""
    wrong, links = [], 0
    last_seq, last_hash = 0, GENESIS
    partitions: dict[tuple[str, int], int] = {}
    for topic, partition, stamp, digest in sorted(records, key=lambda record: record[2]["shard_seq"]):
        if stamp["shard"] != shard:
            continue
        place = f"shard_seq {stamp['shard_seq']} on {topic}"
        if stamp["shard_seq"] == last_seq + 1:
            links += 1
            if stamp["prev_hash"] != last_hash:
                wrong.append(f"{place}: prev_hash is not the hash of the record before")
        before = partitions.get((topic, partition), 0)
        if topic in KEPT_FOR_EVER and stamp["partition_seq"] != before + 1:
            wrong.append(f"{place}: partition_seq {stamp['partition_seq']} follows {before}")
        last_seq, last_hash = stamp["shard_seq"], digest
        partitions[topic, partition] = stamp["partition_seq"]
    return links, wrong


if __name__ == "__main__":
    everything = asyncio.run(read(sys.argv[1], Schemas(sys.argv[2])))
    compared, problems = check(everything, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    print(*problems, f"{len(everything)} records, {compared} links compared, {len(problems)} wrong", sep="\n")
    sys.exit(bool(problems))
