"""An in-memory log: two input partitions with offsets, and an output that only takes whole transactions of the newest owner."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.envelope import LedgerRecord, Record
from schemas.render import CancelCommand, LeaseGranted, LeaseRevoked, RenderCommand
from schemas.requests import Request
from streams.ledger import Entry

COMMANDS = (RenderCommand, CancelCommand, LeaseGranted, LeaseRevoked)


class FencedError(Exception):
    """The producer that wants to commit is not the newest one."""


class Transaction(Struct, frozen=True, kw_only=True):
    """What was committed at once, and the time of the owner's clock it was decided at."""

    now: datetime
    entries: list[Entry]


class MemoryLog:
    """`commands` are the committed records of render.commands in order, what devices read; `cached_charge` is what a result
    that is taken again costs.
    """

    def __init__(self) -> None:
        self.cached_charge = 0
        self.requests: list[Request] = []
        self.reports: list[Record] = []
        self.transactions: list[Transaction] = []
        self.entries: list[Entry] = []
        self.commands: list[LedgerRecord] = []
        self.aborted = 0
        self.fenced = 0
        self._generation = 0

    def open_producer(self) -> int:
        """Start a producer; every older one is fenced from now on."""
        self._generation += 1
        return self._generation

    def commit(self, generation: int, transaction: Transaction) -> None:
        """Append all entries. Raises `FencedError` for an older producer, of which nothing becomes visible."""
        if generation != self._generation:
            self.fenced += 1
            raise FencedError(f"generation {generation} was replaced by {self._generation}")
        self.transactions.append(transaction)
        self.entries += transaction.entries
        self.commands += [entry.record for entry in transaction.entries if isinstance(entry.record, COMMANDS)]
