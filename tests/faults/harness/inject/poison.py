"""Records nobody can use, on the topics that processes read."""

from __future__ import annotations

import random
import struct

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from infra.registry import load_codec
from schemas.entities import DeviceChanged
from schemas.envelope import Record
from schemas.render import DeviceHeartbeat, StageSucceededReport
from schemas.requests import ImageRequested
from schemas.serde import HEADER, Codec
from schemas.tasks import TaskQueued
from tests.faults.harness.arena import Arena
from tests.faults.harness.journal import Injection, Poison

_OF: dict[str, type[Record]] = {
    "requests": ImageRequested,
    "reports": StageSucceededReport,
    "heartbeats": DeviceHeartbeat,
    "tasks": TaskQueued,
}
LARGEST = 2_090_000  # bytes that the broker of the local stack still takes
TOO_LARGE = 10_000_000
UNREGISTERED = 2_000_000_000


async def poison(arena: Arena, injection: Injection) -> None:
    """One record of every shape on one topic, in random order, and one that the broker must refuse."""
    await arena.until(lambda: not arena.broker_away)
    topic = injection.fault.target
    shapes = list(shapes_of(await load_codec(arena.settings), topic).items())
    random.Random(injection.fault.seed).shuffle(shapes)
    producer = AIOKafkaProducer(bootstrap_servers=arena.settings.kafka, acks="all", max_request_size=2 * TOO_LARGE)
    await producer.start()
    try:
        for shape, value in shapes:
            sent = await producer.send_and_wait(topic, value, key=b"poison", partition=0)
            arena.journal.poison.append(Poison(topic=topic, partition=0, offset=sent.offset, shape=shape))
        refused = await _refused(producer, topic)
    finally:
        await producer.stop()
    injection.note = f"{len(shapes)} records; the broker {'refused' if refused else 'TOOK'} one of {TOO_LARGE} bytes"


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
        "too large": good[: HEADER.size] + bytes(LARGEST),
    }


async def _refused(producer: AIOKafkaProducer, topic: str) -> bool:
    try:
        await producer.send_and_wait(topic, bytes(TOO_LARGE), key=b"poison", partition=0)
    except (MessageSizeTooLargeError, KafkaError):
        return True
    return False
