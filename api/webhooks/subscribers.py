"""Who gets which event, and where they live: the `callback_url` of a task, and the account's webhooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from api.bodies.webhooks import ALL
from api.live.sse import event_name
from api.ports import ReadModel
from api.sealing import AccountSeal
from api.webhooks.deliveries import CALLBACK, Delivery, Planned
from api.webhooks.message import is_terminal, signing_secret
from infra.keystore import DataKey, KeyErasedError, KeyMissingError, SqliteKeystore
from projections.folds.task_events import TaskEventRow
from projections.folds.task_rows import TaskRow
from projections.folds.webhooks import WebhookRow
from schemas.common import TaskKind

OVERLAP = timedelta(days=1)  # for which a rotated secret still signs
WITH_CALLBACK = frozenset({TaskKind.IMAGE, TaskKind.VIDEO, TaskKind.AUDIO, TaskKind.STORYBOARD})


class Gone(Exception):  # noqa: N818  (a fact, as the HTTP status of that name)
    """There is nobody to send to any more."""


class Subscriber(Struct, frozen=True):
    """Where to send, and the secrets that sign, the newest first."""

    url: str
    secrets: list[bytes]


def wants(webhook: WebhookRow, row: TaskEventRow) -> bool:
    """Whether the event passes the webhook's filter."""
    if not webhook.events:
        return is_terminal(row)
    return ALL in webhook.events or event_name(row.type) in webhook.events


def _secrets(webhook: WebhookRow, now: datetime) -> list[str]:
    overlap = webhook.previous_id and now - webhook.rotated_at < OVERLAP
    return [webhook.secret_id, webhook.previous_id] if overlap else [webhook.secret_id]


class Subscribers:
    """Looks into the read model and opens what is sealed there."""

    def __init__(
        self,
        queries: ReadModel,
        keystore: SqliteKeystore,
        now: Callable[[], datetime],
        recent: Callable[[str], TaskRow | None] = lambda _: None,
    ) -> None:
        """`recent` gives tasks that this process holds in memory, so that they need not be read."""
        self._queries, self._keystore, self._now, self._recent = queries, keystore, now, recent

    async def plan(self, rows: Sequence[TaskEventRow]) -> list[Planned]:
        """The deliveries that the events call for."""
        webhooks = {account: await self._queries.webhooks(account) for account in {row.account_id for row in rows}}
        planned = [
            Planned(webhook.webhook_id, row)
            for row in rows
            for webhook in webhooks[row.account_id]
            if wants(webhook, row) and row.occurred_at >= webhook.created_at
        ]
        terminal = [row for row in rows if is_terminal(row)]
        return planned + [
            Planned(CALLBACK, row) for row in terminal if await self._callback_url(row.account_id, row.task_id)
        ]

    async def find(self, delivery: Delivery) -> Subscriber | None:
        """Where the delivery goes, None while the read model does not know. Raises `Gone`."""
        return await self.target(delivery.account_id, delivery.webhook_id, delivery.task_id)

    async def target(self, account_id: str, webhook_id: str, task_id: str) -> Subscriber | None:
        """Where an event of the task goes by that webhook, None if it is not known. Raises `Gone` for erased accounts."""
        key = self._key(account_id)
        if key is None:
            raise Gone("the account was erased")
        if webhook_id == CALLBACK:
            url = await self._callback_url(account_id, task_id)
            return None if url is None else Subscriber(url, [signing_secret(key, CALLBACK)])
        webhooks = await self._queries.webhooks(account_id)
        webhook = next((row for row in webhooks if row.webhook_id == webhook_id), None)
        if webhook is None:
            return None
        url = str(AccountSeal(key).open(webhook.sealed, "webhook")["url"])
        return Subscriber(url, [signing_secret(key, secret_id) for secret_id in _secrets(webhook, self._now())])

    async def _callback_url(self, account_id: str, task_id: str) -> str | None:
        row = self._recent(task_id)
        if row is None or row.account_id != account_id:
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
