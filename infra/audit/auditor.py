"""The audit of one shard's ledger as a whole: records in, in any interleaving of partitions, findings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from infra.audit.books import Books
from infra.audit.chain import Start
from infra.audit.events import ONLY, Event, Finding, Place, Raw, Shard
from infra.audit.following import Bounds, Following
from infra.audit.leases import Leases
from infra.audit.lives import Lives
from infra.audit.notes import Keys
from infra.audit.records import Learn, refuse
from infra.audit.seals import Seals, is_kept, read_signed
from schemas.serde import Codec
from schemas.topics import BY_NAME, RENDER_COMMANDS


class Span(Struct, frozen=True, kw_only=True):
    """The time to audit; None = from the first or to the last record."""

    since: datetime | None = None
    until: datetime | None = None


class Result(Struct, frozen=True, kw_only=True):
    """What an audit of a shard came to.

    `signed` is the last `shard_seq` under a signature; `later` counts records newer than the audit.
    """

    shard: int
    events: int
    first: int
    last: int
    compared: int
    holes: int
    checkpoints: int
    confirmed: int
    kept_only: int
    signed: int
    later: int
    findings: list[Finding]
    found: int
    rules: dict[str, int]


class Auditor(Following):
    """Judges a whole ledger, or the part of it that lies in a span of time.

    Memory is what waits to be merged and what is open on the ledger (tasks, reservations, leases, accounts), whatever the
    length of the log.
    """

    def __init__(
        self,
        codec: Codec,
        bounds: Mapping[Place, Bounds],
        checkpoints: Sequence[Raw],
        keys: Keys,
        *,
        span: Span | None = None,
        learn: Learn = refuse,
        shard: Shard = ONLY,
    ) -> None:
        self._span = span or Span()
        partial = self._span.since is not None
        super().__init__(codec, bounds, None if partial else Start(), learn, shard)
        expired = any(bound.begin for (topic, _), bound in bounds.items() if topic == RENDER_COMMANDS.name)
        self._leases = Leases(self.found, partial=partial or expired)
        self._lives = Lives(self.found, self._leases, partial=partial)
        self._books = Books(self.found, partial=partial)
        self.signed = read_signed(checkpoints, codec, keys, self.found, shard.number)
        self._seals = Seals(self.found, self.signed, partial=partial)
        self._first = 0
        self._shard = shard

    def _wanted(self, event: Event) -> bool:
        since, until = self._span.since, self._span.until
        return not (since and event.occurred_at < since) and not (until and event.occurred_at > until)

    def _fold(self, event: Event) -> None:
        self._first = self._first or event.shard_seq
        self._leases.fold(event)
        self._lives.fold(event)
        self._books.fold(event)
        self._seals.fold(event)

    def finish(self) -> Result:
        """Close what is open and tell the result."""
        for place in self.bounds:
            self.close(place)
        self.advance()
        self._emptied()
        if self._span.until is None:
            self._seals.finish(self.begins, self.chain.partitions)
        if self._span.until is None and not self.later:
            self._books.finish()
        return Result(
            shard=self._shard.number,
            events=self.events,
            first=self._first,
            last=self.chain.number,
            compared=self.chain.compared,
            holes=self.chain.holes,
            checkpoints=len(self.signed),
            confirmed=self._seals.confirmed,
            kept_only=self._seals.kept_only,
            signed=self._seals.end,
            later=self.later,
            findings=self.found.kept,
            found=len(self.found),
            rules=dict(self.found.rules),
        )

    def _emptied(self) -> None:
        """Topics that keep everything must hold their first offset."""
        for (topic, partition), bound in self.bounds.items():
            if bound.begin > 0 and is_kept(BY_NAME[topic]):
                text = f"the records before offset {bound.begin} were removed, though the topic keeps everything"
                self.found.at((topic, partition), bound.begin, "removed", text)
