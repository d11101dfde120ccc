"""Following the ledger of one shard: records of any partition in, events in order of `shard_seq` out."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from infra.audit.chain import Chain, Start
from infra.audit.events import ONLY, Event, Findings, Place, Raw, Shard
from infra.audit.merging import Merge
from infra.audit.records import Learn, Records, refuse
from schemas.serde import Codec


class Bounds(Struct, frozen=True, kw_only=True):
    """Of one partition: the first offset that is held, and the end of what was committed when reading began."""

    begin: int
    end: int


class Following:
    """Fed with records of every partition in order of offsets; call `advance` now and then, and `close` partitions at their end.

    `bounds` name the partitions of the ledger. Memory is what waits to be merged, and what the heirs keep.
    """

    def __init__(
        self,
        codec: Codec,
        bounds: Mapping[Place, Bounds],
        start: Start | None,
        learn: Learn = refuse,
        shard: Shard = ONLY,
    ) -> None:
        self.found = Findings()
        self.events = 0
        self.later = 0
        self.bounds = bounds
        self.begins = {place: bound.begin for place, bound in bounds.items()}
        self.chain = Chain(self.found, self.begins, start)
        self._records = Records(self.found, codec, shard, learn)
        self._merge = Merge(bounds)

    def take(self, raw: Raw) -> None:
        """The next record of its partition."""
        event = self._records.event(raw)
        if event is not None and self._wanted(event):
            self._merge.push(event)

    def close(self, place: Place) -> None:
        """The partition was read to its end."""
        self._merge.close(place)

    def starved(self) -> list[Place]:
        """Partitions without whose next records (or `close`) nothing goes on."""
        return self._merge.starved()

    def advance(self) -> None:
        """Fold every event whose turn is known.

        Of the last ones some may belong to a transaction that was written while the ends were taken; they are left for later.
        """
        while (event := self._merge.peek()) is not None:
            self._merge.pop()
            late = event.raw.offset >= self.bounds[event.raw.place].end
            if late and (self.later or event.shard_seq > self.chain.number + 1):
                self.later += 1
                continue
            self.events += 1
            if self.chain.fold(event, self._merge.heads()):
                self._fold(event)

    def _wanted(self, _event: Event) -> bool:
        return True

    def _fold(self, event: Event) -> None:
        raise NotImplementedError
