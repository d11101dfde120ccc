"""Print the committed records of a topic with nothing but aiokafka and fastavro.

usage: python read_topic.py BOOTSTRAP REGISTRY_URL TOPIC
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
import sys
from typing import Any
from urllib.request import urlopen

import fastavro
from aiokafka import AIOKafkaConsumer


class Reader:
    """Decodes values; a schema is asked of the registry when its id is met first."""

    def __init__(self, registry_url: str) -> None:
        self._registry_url = registry_url
        self._schemas: dict[int, Any] = {}

    def decode(self, value: bytes) -> Any:
        """The fields of a record: byte 0, schema id as big-endian int32, Avro body."""
        _, schema_id = struct.unpack(">bI", value[:5])
        if schema_id not in self._schemas:
            with urlopen(f"{self._registry_url}/schemas/ids/{schema_id}") as answer:  # noqa: S310 - our own registry
                schema = json.load(answer)["schema"]
            self._schemas[schema_id] = fastavro.parse_schema(json.loads(schema))
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), self._schemas[schema_id], None)


async def main(bootstrap: str, registry_url: str, topic: str) -> None:
    """Read from the oldest record until nothing came for two seconds."""
    reader = Reader(registry_url)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        while batches := await consumer.getmany(timeout_ms=2000):
            for message in (m for messages in batches.values() for m in messages):
                kind = dict(message.headers)["ce_type"].decode()
                record = reader.decode(message.value)
                print(message.offset, kind, record["envelope"]["occurred_at"].isoformat(), message.key.decode())
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
