"""What every request record of one HTTP call has in common."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from schemas.envelope import Envelope
from schemas.ids import derived_id, new_id
from schemas.purposes import Purpose
from schemas.requests import RequestInfo
from schemas.specs import Spec


class Seal(Protocol):
    """Encryption under the account's key."""

    def spec(self, spec: Spec) -> bytes:
        """Ciphertext of a stage's spec."""
        ...

    def json(self, value: object, purpose: Purpose) -> bytes:
        """Ciphertext of plain JSON types, bound to its purpose."""
        ...

    def digest(self, operation: str, canonical: object) -> str:
        """Hash of plain JSON types under the account's key."""
        ...


class Call(Struct, frozen=True, kw_only=True):
    """One accepted HTTP call. `account_id` is the account concerned, `key_id` the credential that signed the call.

    `asked_by` and `asked_as` are account and role of the caller where somebody else's task is concerned, else "";
    `retry_of` the task that the call repeats.
    """

    account_id: str
    key_id: str
    request_id: str
    task_id: str
    body_hash: str
    now: datetime
    valid_until: datetime
    asked_by: str = ""
    asked_as: str = ""
    retry_of: str = ""

    def envelope(self) -> Envelope:
        """Identity and lineage of the request record; a request begins its own story."""
        return Envelope(
            event_id=new_id(),
            aggregate_id=self.task_id,
            account_id=self.account_id,
            occurred_at=self.now,
            correlation_id=self.request_id,
        )

    def info(self, reuse_hash: str = "") -> RequestInfo:
        """The common part of the request; `reuse_hash` as of `api.planning.reuse`."""
        return RequestInfo(
            request_id=self.request_id,
            task_id=self.task_id,
            body_hash=self.body_hash,
            valid_until=self.valid_until,
            key_id=self.key_id,
            asked_by=self.asked_by,
            asked_as=self.asked_as,
            retry_of=self.retry_of,
            reuse_hash=reuse_hash,
        )

    def entity_id(self, kind: str) -> str:
        """Id of what the task makes. The body is part of it, so that a reused key with another body can never
        overwrite the files of the first call.
        """
        return derived_id(kind, self.task_id, self.body_hash)


def task_id_for(account_id: str, idempotency_key: str | None, request_id: str) -> str:
    """The same key of the same account always means the same task; without a key each call is its own."""
    if idempotency_key is None:
        return derived_id("task", request_id)
    return derived_id(account_id, idempotency_key)


def seed_for(task_id: str) -> int:
    """The seed (32 bits) of a task that was asked for without one; it is in the recipe, so the result can be repeated."""
    return int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:4], "big")
