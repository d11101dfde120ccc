"""The peer's HTTP edge: `uvicorn tests.benchmarks.peer.app:app`."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from schemas.specs import Camera, Lighting, Mood, PictureFormat
from tests.benchmarks.peer.work import render

KEY_CACHE_S = 5.0
POOL = 16


class SceneConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")
    camera: Camera = "medium"
    lighting: Lighting = "natural"
    mood: Mood = "neutral"


class ImageBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    prompt: Annotated[str, Field(min_length=1, max_length=500)]
    negative_prompt: Annotated[str, Field(max_length=500)] = ""
    width: Annotated[int, Field(ge=512, le=2048, multiple_of=8)] = 1536
    height: Annotated[int, Field(ge=512, le=2048, multiple_of=8)] = 864
    num_inference_steps: Annotated[int, Field(ge=10, le=100)] = 40
    guidance_scale: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] = 7.5
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    scene_config: SceneConfig = SceneConfig()
    style: Annotated[str, Field(max_length=100)] = ""
    output_format: PictureFormat = "png"
    engine: Literal["null"] = "null"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["PEER_DATABASE"], min_size=POOL, max_size=POOL) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan)
_known: dict[bytes, tuple[float, uuid.UUID]] = {}


async def _account(authorization: Annotated[str, Header()] = "") -> uuid.UUID:
    """The account of a bearer key, looked up every few seconds. Answers 401 for an unknown key."""
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()
    now = time.monotonic()
    seen, account = _known.get(digest, (0.0, None))
    if account is None or now - seen > KEY_CACHE_S:
        account = await app.state.pool.fetchval("SELECT account_id FROM accounts WHERE key_hash = $1", digest)
        if account is None:
            raise HTTPException(401, "unknown API key")
        _known[digest] = (now, account)
    return account


Account = Annotated[uuid.UUID, Depends(_account)]


@app.post("/api/v1/images/generate", status_code=202)
async def generate(
    body: ImageBody, account: Account, idempotency_key: Annotated[str | None, Header()] = None
) -> dict[str, Any]:
    """One transaction for the task and what it takes of the quota, then the queue."""
    key = idempotency_key or str(uuid.uuid4())
    text = body.model_dump_json()
    digest, day = hashlib.sha256(text.encode()).hexdigest(), datetime.now(UTC).date()
    async with app.state.pool.acquire() as connection, connection.transaction():
        task_id = await connection.fetchval(
            "INSERT INTO tasks (task_id, account_id, idempotency_key, body_hash, body, day) VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (account_id, idempotency_key) DO NOTHING RETURNING task_id",
            *(uuid.uuid4(), account, key, digest, text, day),
        )
        if task_id is None:
            return await _known_task(connection, account, key, digest)
        held = await connection.fetchval(
            "UPDATE quotas SET held = held + 1 WHERE account_id = $1 AND day = $2 AND held + used < allowed RETURNING held",
            *(account, day),
        )
        if held is None:
            raise HTTPException(429, "today's quota is used up")
    render.delay(str(task_id))
    return {"task_id": str(task_id), "status": "queued"}


async def _known_task(connection: Any, account: uuid.UUID, key: str, digest: str) -> dict[str, Any]:
    row = await connection.fetchrow(
        "SELECT task_id, status, body_hash FROM tasks WHERE account_id = $1 AND idempotency_key = $2", account, key
    )
    if row["body_hash"] != digest:
        raise HTTPException(409, "the idempotency key was used with another body")
    return {"task_id": str(row["task_id"]), "status": row["status"]}


@app.get("/api/v1/tasks/{task_id}")
async def task(task_id: uuid.UUID, account: Account) -> dict[str, Any]:
    """The row as it stands."""
    row = await app.state.pool.fetchrow(
        "SELECT task_id, status, result, created_at, started_at, finished_at FROM tasks WHERE task_id = $1 AND account_id = $2",
        *(task_id, account),
    )
    if row is None:
        raise HTTPException(404, "no such task")
    return {**row, "result": json.loads(row["result"]) if row["result"] else None}
