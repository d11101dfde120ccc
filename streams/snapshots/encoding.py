"""Persistent state to bytes in small pieces, and back: any tree of annotated Structs, maps, tuples, sets and scalars.

Large maps leave the tree and follow as chunks of their own, so that no single step is long; what they hold may again
leave the tree. A piece is MessagePack: the tree first, then `[number of the map, pairs]`. No IO, no clock.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from immutables import Map

from schemas.errors import ContractError

T = TypeVar("T")
INLINE = 64  # entries of a map that stays in the tree
PIECE_BYTES = 48_000  # aim of a chunk
_FEWEST, _MOST = 8, 2_000


def pieces(value: object, inline: int = INLINE) -> Iterator[bytes]:
    """The value in pieces, each a little work; maps of at most `inline` entries stay in the tree.

    Raises `TypeError` for what is neither a `Map` nor known to MessagePack.
    """
    waiting: deque[tuple[int, Map[Any, Any]]] = deque()
    numbers = itertools.count(1)

    def outsource(found: object) -> object:
        if not isinstance(found, Map):
            raise TypeError(f"{type(found).__name__} cannot be part of a snapshot")
        if len(found) <= inline:
            return list(found.items())
        number = next(numbers)
        waiting.append((number, found))
        return number

    encoder = msgspec.msgpack.Encoder(enc_hook=outsource)
    yield encoder.encode(value)
    while waiting:
        number, found = waiting.popleft()
        pairs, count = iter(found.items()), _FEWEST
        while chunk := list(itertools.islice(pairs, count)):
            piece = encoder.encode([number, chunk])
            count = max(_FEWEST, min(_MOST, len(chunk) * PIECE_BYTES // len(piece)))
            yield piece


def assemble(encoded: Iterable[bytes], kind: type[T]) -> T:
    """The value again. Raises `ContractError` when the pieces do not make a `kind`."""
    chunks: dict[int, list[msgspec.Raw]] = {}
    decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}

    def restore(wanted: Any, found: object) -> object:
        if not isinstance(found, int):
            return Map(msgspec.convert(found, _pairs(wanted), dec_hook=restore))
        if wanted not in decoders:
            decoders[wanted] = msgspec.msgpack.Decoder(_pairs(wanted), dec_hook=restore)
        entries = Map[Any, Any]().mutate()
        for raw in chunks[found]:
            entries.update(dict(decoders[wanted].decode(raw)))
        return entries.finish()

    try:
        tree, *rest = encoded
        for piece in rest:
            number, pairs = _CHUNK.decode(piece)
            chunks.setdefault(number, []).append(pairs)
        return msgspec.msgpack.decode(tree, type=kind, dec_hook=restore)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ContractError(f"the pieces make no {kind.__name__}: {error!r}") from error


_CHUNK = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])


@cache
def _pairs(wanted: Any) -> Any:
    if get_origin(wanted) is not Map:
        raise TypeError(f"{wanted} cannot be part of a snapshot")
    key, value = get_args(wanted)
    return list[tuple[key, value]]  # type: ignore[valid-type]
