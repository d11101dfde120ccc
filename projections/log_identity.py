"""Which log is this: ids of the cluster and of a topic's incarnation, which positions must match."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from infra.settings import PREFIX, Settings
from projections.cursors import LogIdentity
from schemas.errors import ConfigurationError, InfrastructureError
from schemas.topics import BY_NAME

_TIMEOUT = 10.0


async def log_identities(settings: Settings, topics: Sequence[str]) -> dict[str, LogIdentity]:
    """Identity of each topic, ids in Kafka's own base64 form. Raises `InfrastructureError` if one is missing.

    `ConfigurationError` if its partitions are not as many as there are shards: some would never be read.

    aiokafka speaks no version of the metadata request that carries topic ids, hence the other client.
    """
    return await asyncio.to_thread(_identities, settings, list(topics))


def _identities(settings: Settings, topics: list[str]) -> dict[str, LogIdentity]:
    admin = AdminClient(
        {"bootstrap.servers": settings.kafka, "socket.timeout.ms": int(_TIMEOUT * 1000), "log_level": 3}
    )
    try:
        cluster = admin.describe_cluster(request_timeout=_TIMEOUT).result().cluster_id
        found: dict[str, Any] = admin.describe_topics(TopicCollection(topics), request_timeout=_TIMEOUT)
        described = {topic: future.result() for topic, future in found.items()}
    except KafkaException as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error}") from error
    for topic, about in described.items():
        spec = BY_NAME.get(topic)
        if spec is not None and spec.partitions == "shards" and len(about.partitions) != settings.shards:
            raise ConfigurationError(
                f"topic {topic} has {len(about.partitions)} partitions, {PREFIX}SHARDS says {settings.shards}"
            )
    return {
        topic: LogIdentity(cluster_id=str(cluster), topic_id=_text(about.topic_id))
        for topic, about in described.items()
    }


def _text(topic_id: Any) -> str:
    parts = (topic_id.get_most_significant_bits(), topic_id.get_least_significant_bits())
    raw = b"".join((part % (1 << 64)).to_bytes(8, "big") for part in parts)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
