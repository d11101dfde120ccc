"""Who gets which event, and where they live: the `callback_url` of a task."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from api.ports import ReadModel
from api.sealing import AccountSeal
from api.webhooks.deliveries import CALLBACK, Delivery, Planned
from api.webhooks.message import is_terminal, signing_secret
from infra.keystore import DataKey, KeyErasedError, KeyMissingError, SqliteKeystore
from projections.folds.task_events import TaskEventRow
from schemas.common import TaskKind

WITH_CALLBACK = frozenset({TaskKind.IMAGE, TaskKind.VIDEO, TaskKind.AUDIO, TaskKind.STORYBOARD})


class Gone(Exception):  # noqa: N818  (a fact, as the HTTP status of that name)
    """There is nobody to send to any more."""


class Subscriber(Struct, frozen=True):
    """Where to send, and the secrets that sign, the newest first."""

    url: str
    secrets: list[bytes]


class Subscribers:
    """Looks into the read model and opens what is sealed there."""

    def __init__(self, queries: ReadModel, keystore: SqliteKeystore) -> None:
        self._queries, self._keystore = queries, keystore

    async def plan(self, rows: Sequence[TaskEventRow]) -> list[Planned]:
        """The deliveries that the events call for."""
        terminal = [row for row in rows if is_terminal(row)]
        return [Planned(CALLBACK, row) for row in terminal if await self._callback_url(row.account_id, row.task_id)]

    async def find(self, delivery: Delivery) -> Subscriber | None:
        """Where the delivery goes, None while the read model does not know. Raises `Gone`."""
        key = self._key(delivery.account_id)
        if key is None:
            raise Gone("the account was erased")
        url = await self._callback_url(delivery.account_id, delivery.task_id)
        return None if url is None else Subscriber(url, [signing_secret(key, CALLBACK)])

    async def _callback_url(self, account_id: str, task_id: str) -> str | None:
        row = await self._queries.task(account_id, task_id)
        key = self._key(account_id)
        if row is None or row.kind not in WITH_CALLBACK or not row.sealed or key is None:
            return None
        url = AccountSeal(key).open(row.sealed, "request").get("callback_url")
        return str(url) if url else None

    def _key(self, account_id: str) -> DataKey | None:
        try:
            return self._keystore.account_key(account_id)
        except (KeyErasedError, KeyMissingError):
            return None
