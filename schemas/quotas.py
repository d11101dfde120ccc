"""Quota events: reserve on accept, commit on success, release on everything else; they always balance."""

from __future__ import annotations

from schemas.envelope import LedgerRecord


class QuotaEvent(LedgerRecord, frozen=True, kw_only=True):
    """Base. `resource` is "images" or "videos", `day` the account's day "YYYY-MM-DD" the reservation belongs to.

    `used` and `reserved` are the day's sums after this event, so that a reader needs no other event to show them.
    """

    task_id: str = ""
    resource: str = ""
    day: str = ""
    amount: int = 0
    used: int = 0
    reserved: int = 0


class QuotaReserved(QuotaEvent, frozen=True, kw_only=True):
    """Set aside for an accepted task."""


class QuotaCommitted(QuotaEvent, frozen=True, kw_only=True):
    """Charged: the task completed."""


class QuotaReleased(QuotaEvent, frozen=True, kw_only=True):
    """Given back: the task was cancelled, failed or expired."""


class QuotaLimitChanged(LedgerRecord, frozen=True, kw_only=True):
    """The daily limit of one resource of the account from now on."""

    resource: str = ""
    limit: int = 0


AnyQuotaEvent = QuotaReserved | QuotaCommitted | QuotaReleased | QuotaLimitChanged
