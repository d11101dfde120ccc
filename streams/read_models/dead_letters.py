"""Records no reader can use, kept with their original bytes and headers on `dead.letters`."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from infra.dead_letter_writer import LetterWriter
from infra.settings import Settings
from projections.apply import DeadLetter
from schemas.errors import ContractError

READER = "read-models"


class Original(Struct, frozen=True, kw_only=True):
    """A letter's record as a consumer delivered it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def original(letter: DeadLetter) -> Original:
    """The record with its place."""
    item = letter.delivered
    return Original(
        topic=letter.topic,
        partition=letter.partition,
        offset=item.offset,
        key=item.key,
        value=item.value,
        headers=item.headers,
    )


class DeadLetterOffice:
    """Keeps letters and waits until they are stored; each record becomes a letter once, whichever process met it first.

    Letters are written inside the transaction that moves the position. A process that loses this transaction, with the
    database or by being too slow, may still be writing when another one meets the same records: hence `LetterWriter`.
    """

    def __init__(self, settings: Settings) -> None:
        self._writer = LetterWriter(settings.kafka, READER)

    async def __call__(self, letters: Sequence[DeadLetter]) -> None:
        """Keep the letters of one partition. Raises `InfrastructureError` as `LetterWriter.write` does."""
        await self._writer.write([(original(letter), ContractError(letter.error)) for letter in letters])
