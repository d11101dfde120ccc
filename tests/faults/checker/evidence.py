"""What a check looks at: the log, the read models, the objects, and what clients, injectors and clocks saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from tests.faults.checker.records import Log

UsageKey = tuple[str, str, str]
"""Account, resource, day."""


class Accepted(Struct, frozen=True, kw_only=True):
    """A 2xx answer that promises work: the client may rely on it from then on. Empty strings are unknown."""

    task_id: str
    account_id: str = ""
    idempotency_key: str = ""
    request_id: str = ""


class Reply(Struct, frozen=True, kw_only=True):
    """Any other answer about a task: `rejected` promises that nothing runs, `unknown` (503, time-out) promises nothing."""

    outcome: Literal["rejected", "unknown"]
    task_id: str = ""
    account_id: str = ""
    idempotency_key: str = ""
    code: str = ""


class Poison(Struct, frozen=True, kw_only=True):
    """A bad record somebody put on the log: named by its place, or by the hex SHA-256 of its value."""

    topic: str = ""
    partition: int = 0
    offset: int | None = None
    sha256: str = ""


class Seen(Struct, frozen=True, kw_only=True):
    """What clients were told and what injectors put on the log, during one run."""

    accepted: list[Accepted] = []
    replies: list[Reply] = []
    poison: list[Poison] = []


class ObjectSeen(Struct, frozen=True, kw_only=True):
    """An object in the store: hash and size (bytes) of what can be read of it, `old` when older than the grace period."""

    key: str
    sha256: str
    size: int
    old: bool = True


class Position(Struct, frozen=True, kw_only=True):
    """How far a reader is in a partition: the next offset it reads, and the offset behind the last record there is."""

    reader: str
    topic: str
    partition: int
    position: int
    end: int


class Evidence(Struct, kw_only=True):
    """Everything about one run that has become quiet. Parts that are None were not collected and are not checked.

    `live` and `rebuilt` are the lines of `projections.rebuild.dump`; `coordinator` is (used, reserved) by account, resource
    and day as the coordinator would hold it; `grace_s` is the age from which an object that nobody names is an orphan;
    `quiet_s` is how long the system took to become quiet, at most `bound_s`. Iterables can be read more than once.
    """

    log: Log
    seen: Seen = Seen()
    live: Iterable[str] | None = None
    rebuilt: Iterable[str] | None = None
    objects: Iterable[ObjectSeen] | None = None
    grace_s: float = 0.0
    positions: Sequence[Position] | None = None
    coordinator: Mapping[UsageKey, tuple[int, int]] | None = None
    quiet_s: float | None = None
    bound_s: float = 60.0
