"""`storyreel kafka`: the command line tools of Kafka itself, which know nothing of this product."""

from __future__ import annotations

import os
from typing import Annotated, Literal

from cyclopts import Parameter

from infra.cli.options import DATA, DataOption
from infra.cli.target import target_settings
from infra.local.bundles import load_bundle
from infra.local.jars import class_path, ensure
from infra.local.java import find_java
from infra.local.kafka import LOGGING
from infra.local.paths import cache_dir

ToolName = Literal["console-consumer", "consumer-groups", "dump-log", "get-offsets", "topics", "transactions"]
TOOLS: dict[ToolName, str] = {
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "dump-log": "kafka.tools.DumpLogSegments",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
}
_OF_FILES = frozenset({"dump-log"})


def kafka(
    tool: Annotated[ToolName, Parameter(help="The tool; alone it tells what it can do.")],
    /,
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True, help="Passed on as they are.")],
    data: DataOption = DATA,
) -> None:
    """Run one of Kafka's own tools against the cluster; it is fetched the first time (0.7 MB) and has the broker's version.

    The address of the broker is added. Exit code and output are the tool's.
    """
    server = () if tool in _OF_FILES or not arguments else ("--bootstrap-server", target_settings(data).kafka)
    command = [*java_command(TOOLS[tool]), *server, *arguments]
    os.execv(command[0], command)  # noqa: S606 - the tool takes the place of this process


def java_command(main_class: str) -> list[str]:
    """What runs a class of Kafka or of its tools; parts that are missing are fetched."""
    folders = [ensure(load_bundle(name), cache_dir()) for name in ("kafka", "kafka-tools")]
    classes = ":".join(map(class_path, folders))
    return [str(find_java().executable), "-Xmx256m", *LOGGING, "-cp", classes, main_class]
