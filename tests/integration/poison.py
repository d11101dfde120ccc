"""Values no reader of a topic can use, by what is wrong with them."""

from __future__ import annotations

from schemas.serde import HEADER, Codec
from schemas.topics import TOPIC_OF, TopicSpec

LARGEST = 1_990_000  # bytes, about what a producer of ours sends and the broker takes
NOWHERE = 10**9  # a schema id no registry has given
TWO_GIB = b"\x80\x80\x80\x80\x10"  # as Avro writes the length of a string


def poison(topic: TopicSpec, codec: Codec) -> dict[str, bytes | None]:
    """Every kind once."""
    good = codec.encode(topic.records[0]())
    foreign = next(record for record, home in TOPIC_OF.items() if home is not topic)
    return {
        "null": None,
        "empty": b"",
        "bad magic": b"\x01" + good[1:],
        "unknown schema": HEADER.pack(0, NOWHERE) + good[HEADER.size :],
        "truncated": good[:-1],
        "bytes left over": good + b"\x00",
        "foreign record": codec.encode(foreign()),
        "2 GiB claimed": good[: HEADER.size] + TWO_GIB,
        "too large": good + bytes(LARGEST),
    }
