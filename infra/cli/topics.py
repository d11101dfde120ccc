"""`storyreel topics`: the topics of the running stack, or of the cluster that the environment names."""

from __future__ import annotations

import asyncio
import sys

import msgspec
from cyclopts import App
from rich.console import Console
from rich.table import Table

from infra.cli.options import DATA, DataOption, JsonOption
from infra.cli.target import target_settings
from infra.kafka_admin import TopicInfo, describe, ensure_topics
from infra.local.registry import REGISTRY_TOPICS
from schemas.topics import TOPICS

app = App(name="topics", help="Topics of the running stack, or of the cluster that STORYREEL_KAFKA names.")
_DAY_MS = 86_400_000


@app.command
def create(*, data: DataOption = DATA) -> None:
    """Create the topics that are missing, the registry's own too, and tell where existing ones differ.

    Partitions and replicas follow STORYREEL_SHARDS, STORYREEL_DEVICE_SLOTS and STORYREEL_REPLICATION.
    """
    settings = target_settings(data)
    ensured = asyncio.run(
        ensure_topics(
            settings.kafka,
            (*TOPICS, *REGISTRY_TOPICS),
            shards=settings.shards,
            slots=settings.device_slots,
            replication=settings.replication,
        )
    )
    sys.stdout.write(f"created: {', '.join(ensured.created) or 'nothing, all are there'}\n")
    for difference in ensured.differences:
        sys.stdout.write(difference + "\n")


@app.command(name="describe")
def describe_topics(*, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Partitions, offsets and settings of every topic."""
    topics = asyncio.run(describe(target_settings(data).kafka))
    if as_json:
        sys.stdout.write(msgspec.json.encode(topics).decode() + "\n")
    else:
        Console().print(topic_table(topics))


def topic_table(topics: list[TopicInfo]) -> Table:
    """One row a topic; `offsets` counts those between the oldest and the next one, markers of transactions included."""
    table = Table(box=None, pad_edge=False)
    for heading in ("topic", "partitions", "offsets", "kept"):
        table.add_column(heading, justify="left" if heading in ("topic", "kept") else "right")
    for topic in topics:
        offsets = sum(partition.end - partition.begin for partition in topic.partitions)
        table.add_row(topic.name, str(len(topic.partitions)), str(offsets), kept(topic.configs))
    return table


def kept(configs: dict[str, str]) -> str:
    """How long records stay, in words."""
    if "compact" in configs.get("cleanup.policy", ""):
        return "last of each key"
    retention = int(configs.get("retention.ms", "-1"))
    if retention < 0:
        return "for ever"
    return f"{retention / _DAY_MS:g} days" if retention >= _DAY_MS else f"{retention / 3_600_000:g} hours"
