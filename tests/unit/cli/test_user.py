"""`storyreel user create` against an API on the loopback address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.cli.user import RefusedError, create_user
from infra.local import ports
from infra.settings import Settings
from schemas.errors import ConfigurationError, InfrastructureError


class Api:
    """An API that answers POST with `status` and `body`, and remembers what it was asked."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status, self.body = status, body
        self.asked: list[tuple[str, str | None, Any]] = []
        self.port = 0


@contextmanager
def answering(status: int, body: dict[str, Any]) -> Iterator[Api]:
    api = Api(status, body)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            api.asked.append((self.path, self.headers["Authorization"], request))
            answer = json.dumps(api.body).encode()
            self.send_response(api.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def operator_folder(folder: Path) -> Path:
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "secrets" / "operator.key").write_text("the-key\n")
    return folder


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_an_account_is_made_by_the_api(tmp_path: Path, host: str) -> None:
    with answering(201, {"user_id": "u1", "api_key": "k1", "tier": "vip"}) as api:
        settings = Settings(data_dir=operator_folder(tmp_path), api_host=host, api_port=api.port)
        assert create_user(settings, "vip") == {"user_id": "u1", "api_key": "k1"}
    assert api.asked == [("/api/v1/users", "Bearer the-key", {"tier": "vip"})]


def test_a_refusal_carries_the_apis_reason(tmp_path: Path) -> None:
    with answering(403, {"title": "Forbidden", "detail": "operators only"}) as api:
        settings = Settings(data_dir=operator_folder(tmp_path), api_port=api.port)
        with pytest.raises(RefusedError, match="403: operators only"):
            create_user(settings, "vip")


def test_an_api_that_is_away_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=operator_folder(tmp_path), api_port=ports.choose())
    with pytest.raises(InfrastructureError, match=settings.base_url):
        create_user(settings, "vip")


def test_without_an_operator_key_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"operator\.key"):
        create_user(Settings(data_dir=tmp_path), "vip")
