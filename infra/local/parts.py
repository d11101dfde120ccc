"""The programs that a stack needs beside Python: a Java runtime and the pinned bundles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local.bundles import load_bundle
from infra.local.download import Progress
from infra.local.jars import ensure
from infra.local.java import JavaRuntime, find_java
from infra.local.paths import cache_dir


@dataclass(frozen=True)
class Parts:
    """Where the programs lie."""

    java: JavaRuntime
    kafka: Path
    registry: Path


def fetch_parts(
    cache: Path | None = None, progress: Progress | None = None, waiting: Callable[[], None] | None = None
) -> Parts:
    """Verify the cached programs, download what is missing (blocks). Errors as of `infra.local.jars.ensure`."""
    folder = cache or cache_dir()
    return Parts(
        java=find_java(),
        kafka=ensure(load_bundle("kafka"), folder, progress, waiting),
        registry=ensure(load_bundle("registry"), folder, progress, waiting),
    )
