"""The cache of Java programs is repaired, never trusted."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from infra.local.bundles import Bundle, load_bundle
from infra.local.jars import class_path, ensure
from schemas.errors import InfrastructureError
from tests.unit.local.maven import Repository, serving

JARS = {"one-1.jar": b"first" * 9000, "two-1.jar": b"second" * 9000, "three-1.jar": b"third" * 9000}

FETCH = """
import sys, msgspec
from pathlib import Path
from infra.local.bundles import Bundle
from infra.local.jars import ensure
print(ensure(msgspec.json.decode(sys.argv[1], type=Bundle), Path(sys.argv[2])))
"""


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with serving(dict(JARS)) as running:
        monkeypatch.setenv("STORYREEL_MAVEN_URL", running.url)
        yield running


def fetching(bundle: Bundle, cache: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FETCH, msgspec.json.encode(bundle).decode(), str(cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.jar")}


def test_fetches_once_and_names_the_class_path(repository: Repository, tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    bundle = repository.bundle()
    folder = ensure(bundle, tmp_path, lambda _, received, total: reports.append((received, total)))
    assert contents(folder) == JARS
    assert reports[-1] == (bundle.size, bundle.size)
    assert ensure(bundle, tmp_path) == folder
    assert set(repository.served.values()) == {1}
    assert class_path(folder).split(":") == sorted(str(folder / name) for name in JARS)


@pytest.mark.parametrize("damage", ["truncate", "delete", "change"])
def test_only_the_broken_jar_is_fetched_again(repository: Repository, tmp_path: Path, damage: str) -> None:
    folder = ensure(repository.bundle(), tmp_path)
    jar = folder / "two-1.jar"
    if damage == "truncate":
        jar.write_bytes(JARS["two-1.jar"][:100])
    elif damage == "delete":
        jar.unlink()
    else:
        jar.write_bytes(bytes(len(JARS["two-1.jar"])))
    ensure(repository.bundle(), tmp_path)
    assert contents(folder) == JARS
    assert dict(repository.served) == {"one-1.jar": 1, "two-1.jar": 2, "three-1.jar": 1}


def test_a_damaged_manifest_is_made_anew(repository: Repository, tmp_path: Path) -> None:
    folder = ensure(repository.bundle(), tmp_path)
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-10])
    ensure(repository.bundle(), tmp_path)
    assert set(class_path(folder).split(":")) == {str(folder / name) for name in JARS}
    assert set(repository.served.values()) == {1}


def test_a_killed_download_is_finished_by_the_next(repository: Repository, tmp_path: Path) -> None:
    repository.stalled = {"two-1.jar"}
    bundle = repository.bundle()
    killed = fetching(bundle, tmp_path)
    assert repository.reached.wait(20)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=10)
    folder = tmp_path / "jars" / "demo-1"
    assert folder.exists()
    assert not (folder / "manifest.json").exists()
    repository.stalled = set()
    repository.release.set()
    assert contents(ensure(bundle, tmp_path)) == JARS
    assert not (folder / ".incoming").exists()


def test_two_first_starts_download_once(repository: Repository, tmp_path: Path) -> None:
    starts = [fetching(repository.bundle(), tmp_path) for _ in range(2)]
    answers = [start.communicate(timeout=60) for start in starts]
    assert [start.returncode for start in starts] == [0, 0], answers
    assert contents(tmp_path / "jars" / "demo-1") == JARS
    assert set(repository.served.values()) == {1}


def test_a_file_that_is_not_the_pinned_one_is_refused(repository: Repository, tmp_path: Path) -> None:
    bundle = repository.bundle()
    repository.files["two-1.jar"] = b"SECOND" * 9000
    with pytest.raises(InfrastructureError, match=r"two-1\.jar is not the pinned file"):
        ensure(bundle, tmp_path)
    assert not (tmp_path / "jars" / "demo-1" / "two-1.jar").exists()


def test_a_missing_network_says_what_failed_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(dict(JARS)) as gone:
        bundle = gone.bundle()
    monkeypatch.setenv("STORYREEL_MAVEN_URL", gone.url)
    with pytest.raises(InfrastructureError, match=r"Demo 1: could not download \w+-1\.jar: .*HTTPS_PROXY"):
        ensure(bundle, tmp_path)


def test_an_unpacked_archive_is_repaired(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("app-runner.jar", "lib/part.jar"):
            entry = tarfile.TarInfo(name)
            entry.size = 5
            archive.addfile(entry, io.BytesIO(b"bytes"))
    with serving({"app-1.tar.gz": packed.getvalue()}) as repository:
        monkeypatch.setenv("STORYREEL_MAVEN_URL", repository.url)
        folder = ensure(repository.bundle(unpack=True), tmp_path)
        (folder / "lib" / "part.jar").write_bytes(b"other")
        ensure(repository.bundle(unpack=True), tmp_path)
        ensure(repository.bundle(unpack=True), tmp_path)
        assert (folder / "lib" / "part.jar").read_bytes() == b"bytes"
        assert repository.served["app-1.tar.gz"] == 2


@pytest.mark.parametrize("name", ["kafka", "registry", "s3proxy"])
def test_the_shipped_pins_are_complete(name: str) -> None:
    bundle = load_bundle(name)
    assert bundle.size > 10_000_000
    assert all(len(artifact.sha256) == 64 and artifact.size > 0 for artifact in bundle.artifacts)
    assert len({artifact.filename for artifact in bundle.artifacts}) == len(bundle.artifacts)


def test_the_tools_are_those_of_the_broker_and_no_part_of_the_first_start() -> None:
    tools, broker = load_bundle("kafka-tools"), load_bundle("kafka")
    assert {artifact.version for artifact in tools.artifacts} == {broker.version}
    assert tools.size < 1_000_000
    assert {artifact.filename for artifact in tools.artifacts}.isdisjoint(a.filename for a in broker.artifacts)
