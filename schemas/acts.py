"""Privileged acts of people that are no request to the coordinator: who did what, and why."""

from __future__ import annotations

from schemas.envelope import Record


class OperatorActed(Record, frozen=True, kw_only=True):
    """`operator` did, or was about to do, `act` to `subject`; written before the act where it can be.

    `act` is the command ("store gc"); `envelope.account_id` the account concerned, if it is one.
    """

    act: str = ""
    operator: str = ""
    subject: str = ""
    reason: str = ""
    detail: str = ""


AnyAct = OperatorActed
