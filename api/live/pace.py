"""Ends the answer to a client that has stopped reading, so that it cannot hold a stream open for ever."""

from __future__ import annotations

import asyncio
import logging

from litestar.types import (
    ASGIApp,
    HTTPDisconnectEvent,
    HTTPReceiveMessage,
    Message,
    Receive,
    Scope,
    Send,
    WebSocketReceiveMessage,
)

log = logging.getLogger(__name__)
SEND_TIMEOUT = 30.0  # seconds for one frame, far beyond any network that still works
GONE: HTTPDisconnectEvent = {"type": "http.disconnect"}


def paced(app: ASGIApp, send_timeout: float = SEND_TIMEOUT) -> ASGIApp:
    """The application as seen by a client that disconnects itself when a frame takes longer than `send_timeout` s."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        stuck = asyncio.Event()

        async def bounded(message: Message) -> None:
            try:
                async with asyncio.timeout(send_timeout):
                    await send(message)
            except TimeoutError:
                log.info("a client did not read for %g s and is let go", send_timeout)
                stuck.set()
                await asyncio.Event().wait()  # until the application notices that its client is gone

        async def listening() -> HTTPReceiveMessage | WebSocketReceiveMessage:
            heard, silenced = asyncio.ensure_future(receive()), asyncio.ensure_future(stuck.wait())
            try:
                await asyncio.wait({heard, silenced}, return_when=asyncio.FIRST_COMPLETED)
                return heard.result() if heard.done() else GONE
            finally:
                heard.cancel()
                silenced.cancel()

        await app(scope, listening, bounded)

    return call
