"""Privileged acts of people: who they are, and the record each act leaves on `operator.acts`."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

from aiokafka.errors import KafkaError

from infra.kafka import create_producer, send
from infra.settings import PREFIX, Settings
from schemas.acts import OperatorActed
from schemas.envelope import Envelope
from schemas.errors import InfrastructureError
from schemas.ids import new_id
from schemas.topics import OPERATOR_ACTS

OPERATOR = f"{PREFIX}OPERATOR"
SOURCE = "storyreel/operators"
MAX_TEXT = 500  # characters of a name or a reason
_TIMEOUT = 10.0


def operator_name(environ: Mapping[str, str] = os.environ) -> str:
    """Who runs this command: `STORYREEL_OPERATOR`, else USER@HOST of the operating system."""
    if configured := environ.get(OPERATOR, "").strip():
        return configured[:MAX_TEXT]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


async def record_act(
    settings: Settings, act: str, subject: str, *, reason: str = "", detail: str = "", account_id: str = ""
) -> OperatorActed:
    """Write an act to the log and wait until it is there; call it before what it tells of is done.

    Raises `InfrastructureError` when Kafka or the registry is away: what leaves no trace must not be done.
    """
    from infra.registry import load_codec  # late: the registry client is half of the command line's start-up

    acted = OperatorActed(
        envelope=Envelope(
            event_id=new_id(), aggregate_id=subject, account_id=account_id, occurred_at=datetime.now(UTC)
        ),
        act=act,
        operator=operator_name(),
        subject=subject,
        reason=reason[:MAX_TEXT],
        detail=detail,
    )
    codec = await load_codec(settings)
    await _send(settings, codec.encode(acted), subject, codec.headers(acted, source=SOURCE))
    return acted


async def _send(settings: Settings, value: bytes, key: str, headers: list[tuple[str, bytes]]) -> None:
    producer = create_producer(settings.kafka)
    try:
        await producer.start()
        topic = OPERATOR_ACTS.name
        await send(producer, topic, value, key=key, partition=0, headers=headers, timeout=_TIMEOUT)
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {settings.kafka}: {error!r}") from error
    finally:
        await producer.stop()
