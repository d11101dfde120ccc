"""A small asynchronous client of the public HTTP API: submit, follow, fetch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from schemas.errors import InfrastructureError, StoryreelError

TERMINAL = frozenset({"completed", "failed", "cancelled"})
STREAM_TRIES = 20


class ApiError(StoryreelError):
    """The API refused a call; the message is its explanation with every bad field."""

    code = "api_refused"


class ApiClient:
    """Calls under one API key. Use as an async context manager."""

    def __init__(self, base_url: str, api_key: str) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        timeout = httpx.Timeout(30, read=60)
        self._http = httpx.AsyncClient(
            base_url=f"{base_url}/api/v1/", headers=headers, timeout=timeout, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        """GET a resource. Raises `ApiError` or `InfrastructureError`."""
        return await self._call("GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a JSON body."""
        return await self._call("POST", path, json=dict(body))

    async def post_photos(self, path: str, fields: Mapping[str, str], photos: Sequence[Path]) -> dict[str, Any]:
        """POST a multipart form with pictures under `photos`."""
        files = [("photos", (photo.name, photo.read_bytes(), "image/png")) for photo in photos]
        return await self._call("POST", path, data=dict(fields), files=files)

    async def events(self, task_id: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Event name and data of a task's stream until it ends; a dropped connection goes on where it was."""
        last_id = ""
        for _ in range(STREAM_TRIES):
            headers = {"Last-Event-ID": last_id} if last_id else {}
            try:
                async with self._http.stream("GET", f"tasks/{task_id}/stream", headers=headers) as response:
                    _raise_for(response.status_code, await response.aread() if response.is_error else b"")
                    async for name, data, event_id in _frames(response):
                        last_id = event_id or last_id
                        yield name, data
            except httpx.TransportError:
                await asyncio.sleep(0.5)
            if (await self.get(f"tasks/{task_id}"))["status"] in TERMINAL:
                return
        raise InfrastructureError(f"the stream of task {task_id} broke {STREAM_TRIES} times")

    async def download(self, url: str, path: Path) -> Path:
        """Fetch a signed URL into a file. Raises `ApiError` or `InfrastructureError`.

        The API key stays out: the URL may name another server, and S3 refuses a second kind of credentials.
        """
        try:
            async with (
                httpx.AsyncClient(timeout=self._http.timeout, trust_env=False) as plain,
                plain.stream("GET", url) as response,
            ):
                _raise_for(response.status_code, await response.aread() if response.is_error else b"")
                with path.open("wb") as out:
                    async for chunk in response.aiter_bytes():
                        out.write(chunk)
        except httpx.TransportError as error:
            raise InfrastructureError(f"{path.name} could not be fetched: {error!r}") from error
        return path

    async def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise InfrastructureError(f"the API does not answer {method} {path}: {error!r}") from error
        _raise_for(response.status_code, response.content)
        answer: dict[str, Any] = response.json()
        return answer


def _raise_for(status: int, content: bytes) -> None:
    if status < httpx.codes.BAD_REQUEST:
        return
    try:
        problem = json.loads(content)
    except ValueError:
        problem = {"detail": content[:200].decode("utf-8", "replace")}
    fields = "; ".join(f"{e.get('field')}: {e.get('message')}" for e in problem.get("errors") or [])
    raise ApiError(f"{status} {problem.get('type', '')}: {fields or problem.get('detail', '')}")


async def _frames(response: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any], str]]:
    name, data, event_id = "message", "", ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif field == "id":
            event_id = value
        elif not line and data:
            yield name, json.loads(data), event_id
            name, data, event_id = "message", "", ""
