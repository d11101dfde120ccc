"""Schemas as another version of the software would register them."""

from __future__ import annotations

import json
import uuid

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from schemas.serde import schema_text
from schemas.tasks import TaskCancelled


def newer_schema(registry_url: str) -> int:
    """Id of a version of `TaskCancelled` nobody has seen: the same fields, another description. Blocks."""
    text = json.dumps(json.loads(schema_text(TaskCancelled)) | {"doc": f"as of {uuid.uuid4()}"})
    client = SchemaRegistryClient({"url": registry_url})
    return int(client.register_schema(f"tasks-{uuid.uuid4()}", Schema(text, "AVRO")))
