"""A Maven repository on the loopback address that counts what is asked of it and can misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.local.bundles import Artifact, Bundle


class Repository:
    """Serves `files` by name. `stalled` names are sent half, then nothing more until `release` is set."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.stalled: set[str] = set()
        self.reached = threading.Event()
        self.release = threading.Event()
        self.served: Counter[str] = Counter()
        self.url = ""

    def bundle(self, *, unpack: bool = False) -> Bundle:
        """The files as pinned artifacts of version 1."""
        artifacts = tuple(self._pin(name, data) for name, data in self.files.items())
        return Bundle("demo", "Demo", "1", artifacts, unpack)

    def _pin(self, name: str, data: bytes) -> Artifact:
        base, _, packaging = name.partition("-1.")
        return Artifact("org.demo", base, "1", len(data), hashlib.sha256(data).hexdigest(), packaging)


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Repository]:
    """Run a repository for the block."""
    repository = Repository(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            if name not in repository.files:
                self.send_error(404)
                return
            data = repository.files[name]
            repository.served[name] += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            half = len(data) // 2
            self.wfile.write(data[:half])
            self.wfile.flush()
            if name in repository.stalled:
                repository.reached.set()
                repository.release.wait(30)
            self.wfile.write(data[half:])

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        repository.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield repository
        finally:
            repository.release.set()
            server.shutdown()
            thread.join()
