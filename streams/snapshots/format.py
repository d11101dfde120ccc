"""The snapshot file: eight bytes of magic, then a zlib stream of length-prefixed pieces: identity first, state after it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

import msgspec
from immutables import Map
from msgspec import Struct

from schemas.errors import ContractError
from streams.domain.state import ShardState
from streams.ledger import Heads
from streams.recovery import Recovered
from streams.snapshots.encoding import assemble, pieces
from streams.snapshots.fingerprint import FOLD, FORMAT

MAGIC = b"SRSNAP\x00\x01"
LEVEL = 1  # zlib: a fifth of the size for a third of the time
MAX_BYTES = 2 * 1024**3  # of the unpacked state
_LENGTH = struct.Struct(">I")


class Identity(Struct, frozen=True, kw_only=True):
    """What a snapshot belongs to: the fold, the cluster and the incarnation of every topic of the ledger."""

    format: int = FORMAT
    fold: str = ""
    cluster_id: str = ""
    topic_ids: Mapping[str, str] = {}
    shard: int = 0

    @classmethod
    def here(cls, cluster_id: str, topic_ids: Mapping[str, str], shard: int) -> Identity:
        """Of this code and this log."""
        return cls(fold=FOLD, cluster_id=cluster_id, topic_ids=topic_ids, shard=shard)


class Saved(Struct, frozen=True, kw_only=True):
    """What is saved of `Recovered`."""

    state: ShardState
    heads: Heads
    positions: Map[tuple[str, int], int]


def pack(found: Recovered, identity: Identity) -> Iterator[bytes]:
    """The file in parts; making one takes a millisecond or so."""
    yield MAGIC
    packer = zlib.compressobj(LEVEL)
    saved = Saved(state=found.state, heads=found.heads, positions=Map(dict(found.positions)))
    yield packer.compress(_framed(msgspec.msgpack.encode(identity)))
    for piece in pieces(saved):
        yield packer.compress(_framed(piece))
    yield packer.flush()


def unpack(data: bytes, identity: Identity) -> Recovered:
    """State, heads and positions again. Raises `ContractError` for a damaged file or one of another log or fold."""
    if not data.startswith(MAGIC):
        raise ContractError("this is no snapshot")
    frames = _unframed(_inflated(data[len(MAGIC) :]))
    _check(assemble(frames[:1], Identity), identity)
    saved = assemble(frames[1:], Saved)
    if saved.heads.shard != identity.shard:
        raise ContractError(f"the snapshot is of shard {saved.heads.shard}, not {identity.shard}")
    return Recovered(state=saved.state, heads=saved.heads, positions=dict(saved.positions))


def _inflated(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, MAX_BYTES)
    except zlib.error as error:
        raise ContractError(f"the snapshot is damaged: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ContractError("the snapshot is cut, longer than it says, or too large")
    return data


def _check(found: Identity, wanted: Identity) -> None:
    for name in Identity.__struct_fields__:
        if getattr(found, name) != getattr(wanted, name):
            raise ContractError(f"{name} of the snapshot is {getattr(found, name)}, not {getattr(wanted, name)}")


def _framed(piece: bytes) -> bytes:
    return _LENGTH.pack(len(piece)) + piece


def _unframed(data: bytes) -> list[bytes]:
    frames, start = [], 0
    while start < len(data):
        begin = start + _LENGTH.size
        length = int.from_bytes(data[start:begin], "big")
        start = begin + length
        if start > len(data):
            raise ContractError("the last piece of the snapshot is cut")
        frames.append(data[begin:start])
    return frames
