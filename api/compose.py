"""Builds the running API from settings and takes it apart again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from api.deps import Deps
from api.gateway import Gateway
from api.lag import LagClock
from api.live.decisions import DecisionBoard
from api.live.feed import Feed
from api.live.hub import Hub
from api.live.overlay import Overlay
from api.live.tail import Tail
from api.metrics import Metrics
from api.reads import Reads
from api.uploads import Pictures
from api.webhooks.deliveries import Deliveries
from api.webhooks.dispatcher import Dispatcher
from api.webhooks.subscribers import Subscribers
from api.webhooks.transport import open_poster
from infra.keystore import load_or_create_secret, open_keystore
from infra.object_store.factory import create_object_store
from infra.registry import learn_schema, load_codec
from infra.settings import Settings
from projections.postgres import create_pool
from projections.queries import Queries
from schemas.serde import UnknownSchemaError
from schemas.topics import ASSETS, CHARACTERS, DECISIONS, PROGRESS, QUOTAS, STORYBOARDS, TASKS, USERS, WEBHOOKS

log = logging.getLogger(__name__)
FOLLOWED = (DECISIONS, TASKS, CHARACTERS, ASSETS, STORYBOARDS, USERS, QUOTAS, WEBHOOKS, PROGRESS)
URL_KEY = "url-signing-key"


@asynccontextmanager
async def running(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[tuple[Deps, asyncio.Task[None]]]:
    """All parts, started, and the task of the tail, whose end is the end of the process."""
    codec = await load_codec(settings)

    async def learn(error: UnknownSchemaError) -> None:
        await learn_schema(codec, settings, error)

    keystore = open_keystore(settings, environ)
    keystore.ensure_operator_key(settings.secrets_dir)
    pool = await create_pool(settings.database_url, name="storyreel-api", wait=0)
    metrics, board, overlay, hub = Metrics(), DecisionBoard(), Overlay(), Hub()
    feed = Feed(board, overlay, hub, metrics)
    tail = Tail(
        settings.kafka,
        codec,
        topics=FOLLOWED,
        shards=settings.shards,
        on_record=feed.on_record,
        on_gap=feed.on_gap,
        learn=learn,
    )
    gateway = Gateway(
        settings.kafka,
        codec,
        board,
        metrics,
        shards=settings.shards,
        ttl=settings.request_ttl,
        hears=lambda: tail.alive,
    )
    queries = Queries(pool)
    sending_pool = await create_pool(settings.database_url, name="storyreel-webhooks", wait=0, max_size=4)
    deliveries = Deliveries(sending_pool)
    deps = Deps(
        settings=settings,
        keystore=keystore,
        store=create_object_store(settings, load_or_create_secret(settings.secrets_dir, URL_KEY)),
        queries=queries,
        reads=Reads(tail, overlay, queries, settings.shards),
        gateway=gateway,
        tail=tail,
        hub=hub,
        pictures=Pictures(),
        metrics=metrics,
        lag_clock=LagClock(),
        deliveries=deliveries,
        now=lambda: datetime.now(UTC),
    )
    following = asyncio.create_task(tail.run())
    try:
        async with _webhooks(deps, deliveries, Queries(sending_pool), overlay):
            yield deps, following
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await sending_pool.close()
        await gateway.close()
        await pool.close()
        keystore.close()


@asynccontextmanager
async def _webhooks(deps: Deps, deliveries: Deliveries, queries: Queries, overlay: Overlay) -> AsyncIterator[None]:
    """Sends while it is open, over database connections of its own, so that no call waits for them."""
    subscribers = Subscribers(queries, deps.keystore, deps.now, overlay.row)
    async with open_poster(allow_private=deps.settings.webhook_allow_private) as poster:
        dispatcher = Dispatcher(deliveries, queries, subscribers, poster, deps.settings, deps.now)
        sending = asyncio.create_task(dispatcher.run(), name="webhooks")
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
