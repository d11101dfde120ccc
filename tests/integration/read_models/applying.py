"""Stamped events applied to the read models without Kafka."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from infra.keystore import SqliteKeystore, seal_json
from projections.apply import DeadLetter, Partition, Ports, apply_batch
from projections.postgres import Pool
from projections.selection import Delivered
from projections.writers import Unseal
from schemas.entities import CharacterReady, CharacterRegistered
from schemas.envelope import LedgerRecord
from schemas.purposes import aad
from tests.unit.projections.ledger import Ledger


def new_id() -> str:
    return str(uuid.uuid4())


def nothing(_: str, __: bytes) -> None:
    return None


class Applied:
    """Applies stamped events without Kafka; keeps the dead letters."""

    def __init__(self, pool: Pool, unseal: Unseal = nothing) -> None:
        self.pool = pool
        self.letters: list[DeadLetter] = []
        self.ports = Ports(unseal, self._keep)
        self.ledger = Ledger()

    async def __call__(self, topic: str, events: Sequence[LedgerRecord], *, after: int | None = None) -> None:
        batch = [Delivered(offset=event.stamp.partition_seq - 1, record=event) for event in events]
        await apply_batch(self.pool, Partition(topic=topic), batch, self.ports, after=after)

    async def _keep(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters


def character(ledger: Ledger, keystore: SqliteKeystore, account: str, character_id: str, lead: int) -> list[Any]:
    """A character whose vector points along axis `lead`."""
    vector = [float(axis == lead) for axis in range(512)]
    result = {"recipe": {}, "summary": {}, "data": {"embedding": vector, "encoder": "arc-512"}}
    sealed = seal_json(keystore.account_key(account, create=True), result, aad(account, "result"))
    return [
        ledger.stamp(CharacterRegistered(character_id=character_id, task_id="t"), account, character_id),
        ledger.stamp(CharacterReady(character_id=character_id, task_id="t", sealed=sealed), account, character_id),
    ]
