"""Use, limits and tasks at a time, from PostgreSQL's own rows."""

from __future__ import annotations

from datetime import timedelta

from projections.folds.as_of import task_as_of, usage_as_of
from projections.folds.quotas import usage_change
from projections.queries import Queries
from schemas.common import Limits
from schemas.entities import UserRegistered
from schemas.quotas import QuotaCommitted, QuotaLimitChanged, QuotaReserved
from tests.integration.read_models.applying import Applied

DAY = "2026-05-04"


async def test_the_rows_give_every_moment_s_answer(applied: Applied, queries: Queries) -> None:
    ledger = applied.ledger
    user = ledger.stamp(UserRegistered(limits=Limits(images_per_day=20)), "ann", "ann")
    quotas = [
        ledger.stamp(event, "ann", "ann")
        for event in (
            QuotaReserved(resource="images", day=DAY, used=0, reserved=1),
            QuotaReserved(resource="videos", day=DAY, used=0, reserved=2),
            QuotaLimitChanged(resource="images", limit=50),
            QuotaCommitted(resource="images", day=DAY, used=1, reserved=0),
            QuotaReserved(resource="images", day="2026-05-03", used=0, reserved=1),
        )
    ]
    await applied("users", [user])
    await applied("quotas", quotas)
    bookings = [event for event in quotas if not isinstance(event, QuotaLimitChanged)]
    limits = []
    for event in (user, *quotas):
        at = event.envelope.occurred_at
        assert await queries.usage_at("ann", DAY, at) == [
            row for row in usage_as_of(map(usage_change, bookings), at) if row.day >= DAY
        ]
        found = await queries.limits_at("ann", at)
        limits.append(found.images_per_day if found else None)
    assert limits == [20, 20, 20, 50, 50, 50]
    assert await queries.usage_at("ann", "2026-01-01", at) == await queries.usage("ann", "2026-01-01")
    assert await queries.limits_at("ann", user.envelope.occurred_at - timedelta(seconds=1)) is None


async def test_a_task_s_last_moment_is_its_row(applied: Applied, queries: Queries) -> None:
    events = [event for event in applied.ledger.image("t") if type(event).__module__ == "schemas.tasks"]
    await applied("tasks", events)
    current = await queries.task("ann", "t")
    assert current is not None
    history = await queries.task_events("ann", "t")
    assert task_as_of(current, history, events[-1].envelope.occurred_at) == current
    before = task_as_of(current, history, events[2].envelope.occurred_at)
    assert before is not None
    assert (before.status, before.results) == ("processing", {})
