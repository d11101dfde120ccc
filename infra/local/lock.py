"""`python -m infra.local.lock` resolves the Java programs again and writes `jars.lock.json`.

The only place where dependency trees are resolved; starting a stack only fetches the listed files.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import msgspec
from jgo.maven import MavenContext

from infra.local.bundles import LOCK, Artifact, Bundle

KAFKA = "4.2.0"
REGISTRY = "3.0.9"
S3PROXY = "4.1.0"


def resolve(context: MavenContext, roots: list[str]) -> tuple[Artifact, ...]:
    """All files needed at run time by the root coordinates, each fetched and measured."""
    inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in roots])
    pinned = {}
    for dependency in [*inputs, *transitive]:
        if dependency.scope not in ("test", "provided", "system") and not dependency.optional:
            artifact = pin(dependency.artifact)
            pinned[artifact.filename] = artifact
    return tuple(pinned[name] for name in sorted(pinned))


def pin(artifact: object) -> Artifact:
    """Fetch a jgo artifact and record what arrived."""
    path: Path = artifact.resolve()  # type: ignore[attr-defined]
    data = path.read_bytes()
    return Artifact(
        group=artifact.groupId,  # type: ignore[attr-defined]
        artifact=artifact.artifactId,  # type: ignore[attr-defined]
        version=artifact.version,  # type: ignore[attr-defined]
        packaging=artifact.packaging,  # type: ignore[attr-defined]
        classifier=artifact.classifier,  # type: ignore[attr-defined]
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def build(cache: Path) -> dict[str, Bundle]:
    """Resolve the programs with `cache` as the download folder. Kafka's tools need nothing that the broker lacks."""
    context = MavenContext(repo_cache=cache, timeout=60)
    kafka = resolve(context, [f"org.apache.kafka:kafka_2.13:{KAFKA}", "org.slf4j:slf4j-simple:1.7.36"])
    s3proxy = resolve(context, [f"org.gaul:s3proxy:{S3PROXY}", "com.fasterxml.jackson.core:jackson-annotations:2.21"])
    tools = context.project("org.apache.kafka", "kafka-tools").at_version(KAFKA)
    registry = context.project("io.apicurio", "apicurio-registry-app").at_version(REGISTRY)
    archive = pin(registry.artifact(classifier="all", packaging="tar.gz"))
    return {
        "kafka": Bundle("kafka", "Apache Kafka", KAFKA, kafka),
        "kafka-tools": Bundle("kafka-tools", "Apache Kafka's tools", KAFKA, (pin(tools.artifact()),)),
        "registry": Bundle("registry", "Apicurio Registry", REGISTRY, (archive,), unpack=True),
        "s3proxy": Bundle("s3proxy", "S3Proxy", S3PROXY, s3proxy),
    }


def main() -> None:
    """Write the lock next to this module and say how large each program is."""
    with tempfile.TemporaryDirectory() as folder:
        bundles = build(Path(folder))
    target = Path(__file__).with_name(LOCK)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(bundles), indent=1) + b"\n")
    for bundle in bundles.values():
        sys.stdout.write(
            f"{bundle.title} {bundle.version}: {len(bundle.artifacts)} files, {bundle.size / 1e6:.0f} MB\n"
        )


if __name__ == "__main__":
    main()
