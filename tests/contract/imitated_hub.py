"""A hub of models as huggingface_hub sees one: listing, commit, files with ETag and Range, large files at another address."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".ckpt", ".onnx", ".pt")  # kept by their SHA-256 beside the repository


@dataclass(frozen=True)
class Sent:
    """A file that was asked for with GET: from which byte on, and how many bytes of it left."""

    name: str
    start: int
    count: int


@dataclass
class ImitatedHub:
    """One repository at one commit. `cut` names files whose first download breaks off after so many bytes."""

    repository: str
    revision: str
    files: Mapping[str, bytes]
    cut: dict[str, int] = field(default_factory=dict)
    gated: bool = False
    commit_is_told: bool = True
    asked: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    address: str = ""

    def forget(self) -> None:
        """Begin to count anew."""
        self.asked.clear()
        self.sent.clear()


@contextmanager
def serving(hub: ImitatedHub) -> Iterator[ImitatedHub]:
    """The hub on a free port of 127.0.0.1 for the length of the block."""

    class Handler(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: ImitatedHub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Nothing on the terminal."""

    def _answer(self) -> None:
        hub, path = self.served, unquote(urlsplit(self.path).path)
        hub.asked.append(f"{self.command} {path}")
        api = f"/api/models/{hub.repository}"
        if path.startswith("/large/"):
            digest = path.removeprefix("/large/")
            name = next(name for name, content in hub.files.items() if hashlib.sha256(content).hexdigest() == digest)
            self._content(name)
        elif not path.startswith((api + "/", f"/{hub.repository}/")):
            self._error(404, "RepoNotFound")
        elif hub.gated:
            self._error(403, "GatedRepo")
        elif f"/{hub.revision}" not in path:
            self._error(404, "RevisionNotFound")
        elif path == f"{api}/tree/{hub.revision}":
            files = [{"type": "file", "path": n, "size": len(c), "oid": _blob(c)} for n, c in hub.files.items()]
            self._json([{"type": "directory", "path": "unet", "oid": "0" * 40, "size": 0}, *files])
        elif path == f"{api}/revision/{hub.revision}":
            self._commit(hub)
        else:
            self._resolve(hub, path.removeprefix(f"/{hub.repository}/resolve/{hub.revision}/"))

    def _commit(self, hub: ImitatedHub) -> None:
        if not hub.commit_is_told:
            self._error(500, "")
            return
        siblings = [{"rfilename": name} for name in hub.files]
        self._json({"id": hub.repository, "modelId": hub.repository, "sha": hub.revision, "siblings": siblings})

    def _resolve(self, hub: ImitatedHub, name: str) -> None:
        if name not in hub.files:
            self._error(404, "EntryNotFound")
        elif name.endswith(LARGE):
            digest = hashlib.sha256(hub.files[name]).hexdigest()
            linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(hub.files[name]))}
            self._send(302, b"", linked | {"Location": f"{hub.address}/large/{digest}"})
        else:
            self._content(name)

    def _content(self, name: str) -> None:
        hub, content = self.served, self.served.files[name]
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        headers = {"ETag": f'"{_blob(content)}"', "Accept-Ranges": "bytes"}
        if found:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        if self.command == "GET":
            body = body[: hub.cut.pop(name, len(body))]
            hub.sent.append(Sent(name, start, len(body)))
        self._send(206 if found else 200, body, headers, length=len(content) - start)

    def _json(self, answer: object) -> None:
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _error(self, status: int, code: str) -> None:
        self._send(status, b"", {"X-Error-Code": code} if code else {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], length: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"X-Repo-Commit": self.served.revision, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
        self.close_connection = length is not None and len(body) < length  # the promised rest never comes


def _blob(content: bytes) -> str:
    """A small file's ETag: its hash as git counts it."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
