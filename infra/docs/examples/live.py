import sys

from confluent_kafka import DeserializingConsumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer

decode = AvroDeserializer(SchemaRegistryClient({"url": sys.argv[2]}))
start = {"bootstrap.servers": sys.argv[1], "group.id": "analyst", "auto.offset.reset": "earliest"}
consumer = DeserializingConsumer(start | {"value.deserializer": decode})
consumer.subscribe(["tasks"])
while True:
    message = consumer.poll(1)
    if message and not message.error():
        event, headers = message.value(), dict(message.headers() or [])
        print(event["envelope"]["occurred_at"], headers["ce_type"], event["task_id"], flush=True)
