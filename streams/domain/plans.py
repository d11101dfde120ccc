"""Whether stages can be run at all: a plan from a faulty agent or client must fail its task, never hang it or the shard."""

from __future__ import annotations

from collections.abc import Collection
from graphlib import CycleError, TopologicalSorter

from schemas.common import FieldError, StagePlan

MOST_ATTEMPTS = 100


def plan_errors(stages: list[StagePlan], existing: Collection[str] = ()) -> list[FieldError]:
    """Which rules the stages of a task break; `existing` are ids of stages the task has already.

    Ids are non-empty and unique, dependencies are known and acyclic, work and attempts are at least 1.
    """
    known = {stage.stage_id for stage in stages} | set(existing)
    errors: list[FieldError] = []
    seen = set(existing)
    for number, stage in enumerate(stages):
        if not stage.stage_id or stage.stage_id in seen:
            errors.append(_error(number, "stage_id", "unique", "stage ids are non-empty and unique"))
        seen.add(stage.stage_id)
        if unknown := sorted(set(stage.depends_on) - known):
            errors.append(_error(number, "depends_on", "exists", f"no such stage: {', '.join(unknown)[:200]}"))
        if stage.work < 1:
            errors.append(_error(number, "work", "minimum", "work is at least 1"))
        if not 1 <= stage.max_attempts <= MOST_ATTEMPTS:
            errors.append(_error(number, "max_attempts", "range", f"attempts are 1 to {MOST_ATTEMPTS}"))
    if not errors and _is_cyclic(stages):
        errors.append(FieldError(field="stages", rule="acyclic", message="stages wait for one another"))
    return errors


def _is_cyclic(stages: list[StagePlan]) -> bool:
    try:
        TopologicalSorter({stage.stage_id: stage.depends_on for stage in stages}).prepare()
    except CycleError:
        return True
    return False


def _error(number: int, field: str, rule: str, message: str) -> FieldError:
    return FieldError(field=f"stages[{number}].{field}", rule=rule, message=message)
