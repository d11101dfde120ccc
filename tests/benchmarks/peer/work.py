"""The peer's queue and its workers: `celery --app tests.benchmarks.peer.work worker`."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery

from gpu_agents.engines.base import OutputFile, RenderContext
from gpu_agents.engines.null import NullEngine
from infra.object_store.local_writes import write_objects
from infra.object_store.port import NewObject
from schemas.specs import ShotSpec

celery = Celery("peer", broker=os.environ["PEER_REDIS"])
celery.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=int(os.environ.get("PEER_PREFETCH", "4")),
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@cache
def _database() -> psycopg.Connection[Any]:
    """One connection for each worker process, made after the fork."""
    return psycopg.connect(os.environ["PEER_DATABASE"], autocommit=True)


@celery.task(name="render", autoretry_for=(psycopg.OperationalError, OSError), retry_backoff=True, max_retries=3)
def render(task_id: str) -> None:
    """From queued to completed; a task that is delivered again after its end is left alone."""
    began = _database().execute(
        "UPDATE tasks SET status = 'processing', started_at = now() "
        "WHERE task_id = %s AND status IN ('queued', 'processing') RETURNING body, account_id",
        (task_id,),
    )
    row = began.fetchone()
    if row is None:
        return
    body, account = row
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        output = NullEngine().render(_spec(body), RenderContext(Path(folder), {}))
        outputs = [_stored(f"results/{account}/{task_id}/{file.path.name}", file) for file in output.files]
    result = json.dumps({"outputs": outputs, "recipe": dict(output.recipe)})
    with _database().transaction():
        done = _database().execute(
            "UPDATE tasks SET status = 'completed', finished_at = now(), result = %s "
            "WHERE task_id = %s AND status = 'processing' RETURNING day",
            (result, task_id),
        )
        if (ended := done.fetchone()) is not None:
            _database().execute(
                "UPDATE quotas SET held = held - 1, used = used + 1 WHERE account_id = %s AND day = %s",
                (account, ended[0]),
            )


def _spec(body: dict[str, Any]) -> ShotSpec:
    return ShotSpec(
        prompt=body["prompt"],
        negative_prompt=body["negative_prompt"],
        style=body["style"],
        width=body["width"],
        height=body["height"],
        seed=body["seed"],
        steps=body["num_inference_steps"],
        guidance_scale=body["guidance_scale"],
    )


def _stored(key: str, file: OutputFile) -> dict[str, Any]:
    """Into the folder of objects, as the product's agents do: hashed, written, synced, verified."""
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
    new = [NewObject(key, file.path, file.content_type)]
    (stored,) = write_objects(Path(os.environ["PEER_OBJECTS"]), new, time.time)
    if stored.sha256 != digest:
        raise OSError(f"{key} is not what was rendered")
    return {"key": key, "role": file.role, "sha256": stored.sha256, "size": stored.size, **file.media}
