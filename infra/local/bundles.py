"""The Java programs of the local stack as pinned lists of published artifacts.

`jars.lock.json` names every file with its size and SHA-256, so that what runs is what was tested, and a mirror or a
broken cache cannot slip in something else. `python -m infra.local.lock` writes it anew after a version change.
"""

from __future__ import annotations

from importlib import resources

import msgspec
from msgspec import Struct

LOCK = "jars.lock.json"


class Artifact(Struct, frozen=True):
    """One file of a Maven repository. `size` in bytes; `sha256` in lower-case hex."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str
    packaging: str = "jar"
    classifier: str = ""

    @property
    def filename(self) -> str:
        """Name of the file as published."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{suffix}.{self.packaging}"


class Bundle(Struct, frozen=True):
    """A program: its artifacts lie in one folder of the cache; an archive is unpacked there (`unpack`)."""

    name: str
    title: str
    version: str
    artifacts: tuple[Artifact, ...]
    unpack: bool = False

    @property
    def size(self) -> int:
        """Bytes to download for a complete copy."""
        return sum(artifact.size for artifact in self.artifacts)


def load_bundle(name: str) -> Bundle:
    """The pinned bundle `kafka`, `kafka-tools`, `registry` or `s3proxy`. Raises KeyError for any other name."""
    data = resources.files("infra.local").joinpath(LOCK).read_bytes()
    return msgspec.json.decode(data, type=dict[str, Bundle])[name]
