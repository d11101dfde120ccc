"""Fetching pinned artifacts from a Maven repository, several at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import stamina

from infra.local.bundles import Artifact, Bundle
from infra.local.checksum import FileSum, measure
from schemas.errors import InfrastructureError

Progress = Callable[[Bundle, int, int], None]
"""Called with the bundle, the bytes received so far and the bytes to receive; from several threads, one at a time."""

_PARALLEL = 8
_TIMEOUT = 30  # seconds without a byte
_ATTEMPTS = 3


def download(
    bundle: Bundle,
    artifacts: list[Artifact],
    staging: Path,
    accept: Callable[[Artifact, Path], object],
    progress: Progress | None,
) -> None:
    """Fetch `artifacts` below `staging` and hand each checked file to `accept`, which may move it away.

    Files accepted before a failure stay accepted. Raises `InfrastructureError` that says which file failed, why, and
    what to do.
    """
    counter = _Counter(bundle, sum(artifact.size for artifact in artifacts), progress)

    def fetch(artifact: Artifact) -> None:
        accept(artifact, _fetch_checked(bundle, artifact, staging / artifact.filename, counter))

    with ThreadPoolExecutor(_PARALLEL) as pool:
        futures = [pool.submit(fetch, artifact) for artifact in artifacts]
        try:
            for future in futures:
                future.result()
        except BaseException:
            counter.cancel()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _fetch_checked(bundle: Bundle, artifact: Artifact, folder: Path, counter: _Counter) -> Path:
    try:
        path = _fetch(artifact, folder, counter)
    except (OSError, RuntimeError) as error:
        raise InfrastructureError(
            f"{bundle.title} {bundle.version}: could not download {artifact.filename}: {_reason(error)}. "
            "The first start needs the network; check the connection or the proxy (HTTPS_PROXY), or name a mirror of "
            "Maven Central in STORYREEL_MAVEN_URL, then run the command again. Files that arrived are kept."
        ) from error
    if measure(path) != FileSum(artifact.size, artifact.sha256):
        raise InfrastructureError(
            f"{bundle.title} {bundle.version}: {artifact.filename} is not the pinned file "
            f"(size {path.stat().st_size}, expected {artifact.size}, or another SHA-256); it was thrown away. "
            "A proxy or mirror may have changed it."
        )
    return path


@stamina.retry(on=OSError, attempts=_ATTEMPTS, wait_initial=0.5, wait_max=5)
def _fetch(artifact: Artifact, folder: Path, counter: _Counter) -> Path:
    from jgo.maven import MavenContext, PythonResolver

    counter.forget(artifact)
    attempt = folder / f"try-{counter.next_try()}"  # the resolver trusts whatever file it finds, so never reuse one
    mirror = os.environ.get("STORYREEL_MAVEN_URL")
    context = MavenContext(
        repo_cache=attempt,
        resolver=PythonResolver(progress_callback=lambda _name, _total: counter.receiving(artifact)),
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=_TIMEOUT,
    )
    component = context.project(artifact.group, artifact.artifact).at_version(artifact.version)
    return Path(component.artifact(artifact.classifier, artifact.packaging).resolve())


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Counter:
    """Bytes received over all threads; a repeated attempt gives back what the failed one counted."""

    def __init__(self, bundle: Bundle, total: int, progress: Progress | None) -> None:
        self._bundle = bundle
        self._total = total
        self._progress = progress
        self._lock = threading.Lock()
        self._received: dict[Artifact, int] = {}
        self._tries = 0
        self._cancelled = False

    def cancel(self) -> None:
        """Make every running transfer end at its next block."""
        with self._lock:
            self._cancelled = True

    def next_try(self) -> int:
        with self._lock:
            self._tries += 1
            return self._tries

    def forget(self, artifact: Artifact) -> None:
        with self._lock:
            self._received.pop(artifact, None)

    @contextmanager
    def receiving(self, artifact: Artifact) -> Iterator[Callable[[int], None]]:
        def update(count: int) -> None:
            with self._lock:
                if self._cancelled:
                    raise RuntimeError("cancelled because another download failed or the user stopped it")
                self._received[artifact] = self._received.get(artifact, 0) + count
                if self._progress is not None:
                    self._progress(self._bundle, sum(self._received.values()), self._total)

        yield update
