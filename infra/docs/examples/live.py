"""Print task events as they happen: `python live.py BOOTSTRAP REGISTRY_URL`."""

import sys
from typing import Any

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer

decode: Any = AvroDeserializer(SchemaRegistryClient({"url": sys.argv[2]}))
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "analyst", "auto.offset.reset": "earliest"})
consumer.subscribe(["tasks"])
while True:
    message: Any = consumer.poll(1)
    if message and not message.error():
        event, headers = decode(message.value()), dict(message.headers())
        print(event["envelope"]["occurred_at"], headers["ce_type"].decode(), event["task_id"], flush=True)
