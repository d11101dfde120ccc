"""An account's stream over a WebSocket: who calls, from where on, and both directions until one side ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect
from msgspec import Struct

from api.auth import presented_key
from api.deps import Deps
from api.errors import ApiError, problem_body, to_api_error
from api.language import Language, preferred_language
from api.live.account_frames import as_json
from api.live.account_stream import Ended, account_stream
from api.live.erased import until_erased
from api.live.pace import SEND_TIMEOUT
from schemas.ids import new_id

HELLO_TIMEOUT = 10.0  # seconds
MAX_HELLO = 4096  # characters
GOING_AWAY, TRY_LATER = 1012, 1013  # close codes of RFC 6455's registry: service restart, try again later
LEFT = (WebSocketDisconnect, TimeoutError, OSError)  # ways in which a client is gone
Check = Callable[[Deps, str, str], Awaitable[int | None]]


class Hello(Struct, frozen=True, forbid_unknown_fields=True):
    """The first message of a client that cannot send headers, such as a browser."""

    authorization: str
    last_event_id: int | str = ""


async def serve_socket(socket: WebSocket[Any, Any, Any], deps: Deps, check: Check) -> None:
    """Accept, learn who calls, stream until the client leaves or the stream ends.

    The credential comes in a header (then `last_event_id` in the query) or in the first message, never in the URL. A
    refusal is one message `error` with the members of a problem, then close code 4000 + its HTTP status.
    """
    await socket.accept()
    language = preferred_language(socket.headers.get("accept-language", ""))
    try:
        account_id, text = await _hello(socket, deps)
        after = await check(deps, account_id, text)
    except WebSocketDisconnect:
        return
    except Exception as error:
        await _refuse(socket, to_api_error(error), language)
        return
    talking = asyncio.create_task(_talk(socket, deps, account_id, after))
    listening = asyncio.create_task(_listen(socket))
    try:
        await asyncio.wait({talking, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        talking.cancel()
        listening.cancel()
        results = await asyncio.gather(talking, listening, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, LEFT):
            raise result


async def _hello(socket: WebSocket[Any, Any, Any], deps: Deps) -> tuple[str, str]:
    """Account and last id. Raises `ApiError` 401 or 400."""
    key, text = presented_key(socket.headers), socket.headers.get("last-event-id", "")
    if key is not None:
        text = str(socket.query_params.get("last_event_id", text))
    else:
        key, text = await _first_message(socket)
    principal = deps.keystore.authenticate(key) if key else None
    if principal is None:
        raise ApiError("unauthenticated")
    return principal.account_id, text


async def _first_message(socket: WebSocket[Any, Any, Any]) -> tuple[str | None, str]:
    try:
        async with asyncio.timeout(HELLO_TIMEOUT):
            message = await socket.receive_data(mode="text")
        if len(message) > MAX_HELLO:
            raise ApiError("malformed_body", f"the first message must have at most {MAX_HELLO} characters")
        hello = msgspec.json.decode(message, type=Hello)
    except TimeoutError as error:
        raise ApiError("unauthenticated", "no first message came with a credential") from error
    except msgspec.MsgspecError as error:
        raise ApiError("malformed_body", f"the first message: {error}") from error
    return presented_key({"authorization": hello.authorization}), str(hello.last_event_id)


async def _talk(socket: WebSocket[Any, Any, Any], deps: Deps, account_id: str, after: int | None) -> None:
    with deps.metrics.streams.track_inprogress():
        items = account_stream(deps.hub, deps.reads, account_id, after)
        async for item in until_erased(items, deps.keystore, account_id):
            async with asyncio.timeout(SEND_TIMEOUT):
                await socket.send_data(as_json(item), mode="text")
            if isinstance(item, Ended):
                code = GOING_AWAY if item.reason == "shutdown" else TRY_LATER
                await socket.close(code, f"resume: {item.reason}")


async def _listen(socket: WebSocket[Any, Any, Any]) -> None:
    """Take and forget whatever the client says, until it leaves."""
    while True:
        await socket.receive_data(mode="text")


async def _refuse(socket: WebSocket[Any, Any, Any], error: ApiError, language: Language) -> None:
    body = problem_body(error, language, new_id().replace("-", ""))
    await socket.send_data(msgspec.json.encode({"event": "error", **body}), mode="text")
    await socket.close(4000 + int(body["status"]), error.code)
