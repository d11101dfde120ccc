"""Ways to falsify a recorded ledger, and what an audit must say about each."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct
from msgspec.structs import replace

from infra.audit.events import Place, Raw
from infra.audit.notes import sign
from schemas.checkpoints import CheckpointSigned
from schemas.envelope import LedgerRecord
from schemas.topics import BY_NAME
from tests.faults.simulation.owner import CODEC
from tests.unit.audit.recorded import Ledger, as_raw, in_order, rechained


class Falsified(Struct, frozen=True, kw_only=True):
    """A ledger with its checkpoints after a mutation. One finding must contain one of `names`."""

    what: str
    ledger: Ledger
    checkpoints: list[Raw]
    names: tuple[str, ...]


class Original(Struct, frozen=True, kw_only=True):
    """A sound ledger; the last checkpoint ends at `sealed`."""

    ledger: Ledger
    checkpoints: list[Raw]
    sealed: int

    def copy(self) -> Ledger:
        """One that may be changed."""
        return {place: list(records) for place, records in self.ledger.items()}


def place_of(raw: Raw) -> str:
    """A record as findings name it."""
    return f"{raw.topic}[{raw.partition}]@{raw.offset}"


def number_of(raw: Raw) -> int:
    return CODEC.decode_as(raw.value, LedgerRecord).stamp.shard_seq


def flip_bit(data: bytes, at: int) -> bytes:
    return data[: at // 8] + bytes([data[at // 8] ^ (1 << at % 8)]) + data[at // 8 + 1 :]


def falsify(random: Random, raw: Raw, part: str) -> Raw:
    """One bit of the record's value, key or headers is another."""
    if part == "value":
        value = raw.value or b""
        return replace(raw, value=flip_bit(value, random.randrange(8 * len(value))))
    if part == "key":
        key = raw.key or b""
        return replace(raw, key=flip_bit(key, random.randrange(8 * len(key))))
    headers = list(raw.headers)
    at = random.randrange(len(headers))
    name, data = headers[at]
    if part == "header":
        headers[at] = (name, flip_bit(data, random.randrange(8 * len(data))))
    else:
        letter = random.randrange(len(name))
        headers[at] = (name[:letter] + chr(ord(name[letter]) ^ (1 << random.randrange(7))) + name[letter + 1 :], data)
    return replace(raw, headers=tuple(headers))


def any_record(random: Random, original: Original, *, last: bool = False) -> tuple[Place, int]:
    """Where some record is: partition and index. Not the very last of the ledger, which nothing vouches for, unless `last`."""
    end = max(number_of(records[-1]) for records in original.ledger.values())
    places = [(place, at) for place, records in original.ledger.items() for at in range(len(records))]
    while True:
        place, at = random.choice(places)
        if last or number_of(original.ledger[place][at]) != end:
            return place, at


def flipped(part: str) -> Callable[[Random, Original], Falsified]:
    """A mutation: one bit of one record."""

    def mutate(random: Random, original: Original) -> Falsified:
        ledger = original.copy()
        place, at = any_record(random, original, last=part != "value")
        raw = ledger[place][at]
        ledger[place][at] = falsify(random, raw, part)
        return _made(f"a bit of the {part} of {place_of(raw)}", ledger, original, place_of(raw))

    return mutate


def swapped(random: Random, original: Original) -> Falsified:
    """Two records of a partition change places."""
    ledger = original.copy()
    place = random.choice([place for place, records in ledger.items() if len(records) > 1])
    records = ledger[place]
    one = random.randrange(len(records) - 1)
    two = random.choice([one + 1, random.randrange(one + 1, len(records))])
    a, b = records[one], records[two]
    records[one], records[two] = replace(b, offset=a.offset), replace(a, offset=b.offset)
    return _made(f"{place_of(a)} and {place_of(b)} swapped", ledger, original, place_of(a), place_of(b))


def dropped(random: Random, original: Original) -> Falsified:
    """A record is gone: its number is missing before the next one. Compacted topics lose records by right."""
    ledger = original.copy()
    place, at = any_record(random, original)
    while BY_NAME[place[0]].compact:
        place, at = any_record(random, original)
    raw = ledger[place].pop(at)
    number = number_of(raw)
    return _made(
        f"{place_of(raw)} dropped", ledger, original, f"before it shard_seq {number} must be", f"{place_of(raw)}: "
    )


def doubled(random: Random, original: Original) -> Falsified:
    """A record is there once more, at any later place of its partition."""
    ledger = original.copy()
    place, at = any_record(random, original, last=True)
    records = ledger[place]
    raw = records[at]
    to = random.randrange(at + 1, len(records) + 1)
    again = replace(raw, offset=records[to - 1].offset + 1)
    moved_on = [replace(record, offset=record.offset + 1) for record in records[to:]]
    ledger[place] = [*records[:to], again, *moved_on]
    return _made(f"{place_of(raw)} doubled as {place_of(again)}", ledger, original, place_of(again))


def moved(random: Random, original: Original) -> Falsified:
    """A record lies at the end of another partition."""
    ledger = original.copy()
    place, at = any_record(random, original)
    other = random.choice([one for one in ledger if one != place])
    raw = ledger[place].pop(at)
    end = ledger[other][-1].offset + 1 if ledger[other] else 0
    moved_to = replace(raw, topic=other[0], partition=other[1], offset=end)
    ledger[other].append(moved_to)
    return _made(f"{place_of(raw)} moved to {place_of(moved_to)}", ledger, original, place_of(moved_to))


def cut(random: Random, original: Original) -> Falsified:
    """Everything from a record before the last checkpoint's end on is gone, as if it had never been."""
    first = random.randrange(2, original.sealed + 1)
    ledger = {p: [raw for raw in records if number_of(raw) < first] for p, records in original.ledger.items()}
    signed = [raw for raw in in_order(original.ledger) if number_of(raw) <= original.sealed]
    lost = {raw.place: raw for raw in signed if number_of(raw) >= first}
    return _made(f"cut at shard_seq {first}", ledger, original, *(f"{place_of(raw)}: " for raw in lost.values()))


def cut_partition(random: Random, original: Original) -> Falsified:
    """One partition ends before the last checkpoint says so."""
    ledger = original.copy()
    sealed = {p: [r for r in records if number_of(r) <= original.sealed] for p, records in ledger.items()}
    place = random.choice([place for place, records in sealed.items() if records])
    keep = random.randrange(len(sealed[place]))
    lost = ledger[place][keep]
    ledger[place] = ledger[place][:keep]
    return _made(
        f"{place_of(lost)} and all behind it cut",
        ledger,
        original,
        f"shard_seq {number_of(lost)} ",
        f"{place[0]}[{place[1]}]@",
    )


def forged(ledger: Ledger, first: int) -> Ledger:
    """The record `first` says something else, and every later one is hashed anew, as who may write to the log could do."""

    def lie(record: LedgerRecord) -> LedgerRecord:
        if record.stamp.shard_seq != first:
            return record
        return replace(record, envelope=replace(record.envelope, causation_id="somebody-else"))

    return rechained(ledger, lie)


def rewritten(random: Random, original: Original) -> Falsified:
    """A forged suffix whose chain is sound; only the signature tells."""
    first = random.randrange(1, original.sealed + 1)
    return _made(
        f"rewritten from {first}", forged(original.ledger, first), original, "are not the records that it signs"
    )


def checkpoint_flipped(random: Random, original: Original) -> Falsified:
    """One bit of a checkpoint."""
    checkpoints = list(original.checkpoints)
    at = random.randrange(len(checkpoints))
    part = random.choice(["value", "value", "key", "header", "name"])
    checkpoints[at] = falsify(random, checkpoints[at], part)
    return Falsified(
        what=f"a bit of the {part} of checkpoint {at}",
        ledger=original.ledger,
        checkpoints=checkpoints,
        names=(f"{place_of(checkpoints[at])}",),
    )


def checkpoint_resigned(random: Random, original: Original) -> Falsified:
    """A checkpoint has another signature: any bytes, one of another key, or one by that key in the name of the true one."""
    checkpoints = list(original.checkpoints)
    at = random.randrange(len(checkpoints))
    true = CODEC.decode_as(checkpoints[at].value, CheckpointSigned)
    foreign = sign(true, Ed25519PrivateKey.from_private_bytes(random.randbytes(32)))
    false = random.choice(
        [replace(true, signature=random.randbytes(64)), foreign, replace(foreign, key_id=true.key_id)]
    )
    checkpoints[at] = as_raw(false, checkpoints[at].offset)
    return Falsified(
        what=f"checkpoint {at} signed anew",
        ledger=original.ledger,
        checkpoints=checkpoints,
        names=(place_of(checkpoints[at]),),
    )


def checkpoint_gone(random: Random, original: Original) -> Falsified:
    """A checkpoint before the last one is gone, or two have changed places."""
    checkpoints = list(original.checkpoints)
    at = random.randrange(len(checkpoints) - 1)
    if random.random() < 0.5:
        del checkpoints[at]
        names = (place_of(checkpoints[at]),)
    else:
        checkpoints[at], checkpoints[at + 1] = checkpoints[at + 1], checkpoints[at]
        names = (place_of(checkpoints[at]),)
    return Falsified(what=f"checkpoint {at} gone", ledger=original.ledger, checkpoints=checkpoints, names=names)


def _made(what: str, ledger: Ledger, original: Original, *names: str) -> Falsified:
    return Falsified(what=what, ledger=ledger, checkpoints=original.checkpoints, names=names)


MUTATIONS: dict[str, tuple[int, Callable[[Random, Original], Falsified]]] = {
    "value": (300, flipped("value")),
    "key": (80, flipped("key")),
    "header": (120, flipped("header")),
    "header name": (60, flipped("name")),
    "swapped": (80, swapped),
    "dropped": (80, dropped),
    "doubled": (60, doubled),
    "moved": (40, moved),
    "cut": (40, cut),
    "one partition cut": (40, cut_partition),
    "rewritten": (40, rewritten),
    "checkpoint flipped": (80, checkpoint_flipped),
    "checkpoint signed anew": (30, checkpoint_resigned),
    "checkpoint gone": (10, checkpoint_gone),
}
"""How often each is tried, and how it is done."""
