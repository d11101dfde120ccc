"""What all writers share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, get_args

from msgspec import Struct

from projections.row_store import RowStore
from projections.table import Table
from schemas.envelope import LedgerRecord
from schemas.errors import ContractError

Row = TypeVar("Row", bound=Struct)
E = TypeVar("E", bound=LedgerRecord)

Unseal = Callable[[str, bytes], dict[str, Any] | None]
"""(account_id, ciphertext of a result) → its JSON object, None when the account's key is erased."""


class Refused(Struct, frozen=True, kw_only=True):
    """An event that contradicts the log before it."""

    event: LedgerRecord
    error: str


Writer = Callable[[RowStore, Sequence[LedgerRecord], Unseal], Awaitable[list[Refused]]]


def wanted(events: Sequence[LedgerRecord], kind: Any) -> tuple[list[Any], list[Refused]]:
    """Events of the topic's union, and the others."""
    kinds = frozenset(get_args(kind) or (kind,))
    known = [event for event in events if type(event) in kinds]
    foreign = [
        Refused(event=event, error=f"{type(event).__name__} is unknown to this version")
        for event in events
        if type(event) not in kinds
    ]
    return known, foreign


class Fold(Struct, frozen=True):
    """Result of folding a batch: the changed rows, the events that are in them, the events that were refused."""

    rows: dict[tuple[str, ...], Any]
    applied: list[Any]
    refused: list[Refused]


async def fold(
    store: RowStore,
    table: Table[Row],
    events: Sequence[E],
    key: Callable[[E], tuple[str, ...]],
    apply: Callable[[Row | None, E], Row],
) -> Fold:
    """Fold the events, in order, over the rows that the store holds for their keys."""
    rows = await store.load(table, {key(event) for event in events})
    result = Fold({}, [], [])
    for event in events:
        name = key(event)
        before = rows.get(name)
        try:
            after = apply(before, event)
        except ContractError as error:
            result.refused.append(Refused(event=event, error=str(error)))
            continue
        if after is not before:
            rows[name] = result.rows[name] = after
            result.applied.append(event)
    return result


async def fold_into(
    store: RowStore,
    table: Table[Row],
    events: Sequence[E],
    key: Callable[[E], tuple[str, ...]],
    apply: Callable[[Row | None, E], Row],
) -> Fold:
    """Fold the events and write the changed rows."""
    result = await fold(store, table, events, key, apply)
    await store.upsert(table, result.rows.values())
    return result
