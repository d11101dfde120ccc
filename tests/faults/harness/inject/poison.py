"""Records nobody can use, on the topics that processes read."""

from __future__ import annotations

import random
import struct

from aiokafka import AIOKafkaProducer

from infra.registry import load_codec
from schemas.decisions import RequestDecided
from schemas.entities import DeviceChanged
from schemas.envelope import Record
from schemas.render import DeviceHeartbeat, RenderCommand, StageProgressed, StageSucceededReport
from schemas.requests import ImageRequested
from schemas.serde import HEADER, Codec
from schemas.tasks import TaskQueued
from tests.faults.harness.arena import LARGEST_RECORD, Arena
from tests.faults.harness.journal import Injection, Poison

_OF: dict[str, type[Record]] = {
    "requests": ImageRequested,
    "reports": StageSucceededReport,
    "heartbeats": DeviceHeartbeat,
    "progress": StageProgressed,
    "decisions": RequestDecided,
    "render.commands": RenderCommand,
    "tasks": TaskQueued,
}
LARGE = 2_090_000  # bytes: what the broker takes as it is delivered
HUGE = 10_000_000
UNREGISTERED = 2_000_000_000


async def poison(arena: Arena, injection: Injection) -> None:
    """One record of every shape on one topic, in random order; the topics of the stack take even the largest."""
    await arena.until(lambda: not arena.broker_away)
    topic = injection.fault.target
    shapes = list(shapes_of(await load_codec(arena.settings), topic).items())
    random.Random(injection.fault.seed).shuffle(shapes)
    producer = AIOKafkaProducer(bootstrap_servers=arena.settings.kafka, acks="all", max_request_size=LARGEST_RECORD)
    await producer.start()
    try:
        for shape, value in shapes:
            sent = await producer.send_and_wait(topic, value, key=b"poison", partition=0)
            arena.journal.poison.append(Poison(topic=topic, partition=0, offset=sent.offset, shape=shape))
    finally:
        await producer.stop()
    injection.note = f"{len(shapes)} records, the largest of {max(len(value or b'') for _, value in shapes)} bytes"


def shapes_of(codec: Codec, topic: str) -> dict[str, bytes | None]:
    """Values by what is wrong with them."""
    good = codec.encode(_OF[topic]())
    huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"  # 2**63 - 1 as an Avro long
    return {
        "bad magic": b"\x07" + good[1:],
        "unknown schema id": struct.pack(">bI", 0, UNREGISTERED) + good[HEADER.size :],
        "cut short": good[:-1],
        "left over": good + b"\x00",
        "empty": b"",
        "no value": None,
        "foreign record": codec.encode(DeviceChanged()),
        "hostile length": good[: HEADER.size] + huge,
        "hostile block": good[: HEADER.size] + b"\x02" * 40 + huge * 3,
        "noise": random.Random(7).randbytes(3_000),
        "too large": good[: HEADER.size] + bytes(LARGE),
        "huge": good[: HEADER.size] + random.Random(8).randbytes(HUGE),
    }
