"""No command is rendered twice, none is forgotten, and a cancel finds it wherever it is."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gpu_agents.worker import outcomes
from gpu_agents.worker.commands import CancelEffect, CommandBook, Outcome
from schemas.common import Problem
from schemas.render import CancelCommand, RenderCommand

NOW = datetime(2026, 1, 2, tzinfo=UTC)
numbers = st.integers(0, 5)


def command(number: int) -> RenderCommand:
    return RenderCommand(task_id=f"t{number}", stage_id="shot-01", attempt=1, epoch=2, device_id="cpu-0")


def order(number: int) -> CancelCommand:
    return CancelCommand(task_id=f"t{number}", stage_id="shot-01", attempt=1, epoch=2, device_id="cpu-0")


class BookMachine(RuleBasedStateMachine):
    """Random redeliveries and cancels against the plain rule: every accepted command is begun or dropped once."""

    def __init__(self) -> None:
        super().__init__()
        self.book = CommandBook()
        self.accepted: list[int] = []
        self.begun: list[int] = []
        self.rendering: int | None = None
        self.delivering: list[int] = []
        self.ended: dict[int, Outcome] = {}

    @rule(number=numbers)
    def accept(self, number: int) -> None:
        assert self.book.accept(command(number)) is self.ended.get(number)
        if number not in self.accepted:
            self.accepted.append(number)

    @precondition(lambda self: self.rendering is None)
    @rule()
    def begin(self) -> None:
        found = self.book.next()
        waiting = [n for n in self.accepted if n not in self.begun and n not in self.ended]
        assert (found and found.task_id) == (f"t{waiting[0]}" if waiting else None)
        if waiting:
            self.rendering = waiting[0]
            self.begun.append(waiting[0])

    @precondition(lambda self: self.rendering is not None)
    @rule()
    def rendered(self) -> None:
        self.book.rendered()
        assert self.rendering is not None
        self.delivering.append(self.rendering)
        self.rendering = None

    @precondition(lambda self: self.delivering)
    @rule()
    def finish(self) -> None:
        number = self.delivering.pop()
        self.ended[number] = outcomes.failed(command(number), NOW, Problem())
        self.book.finish(command(number), self.ended[number])

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        effect, dropped = self.book.cancel(order(number))
        if number in self.ended:
            assert effect is CancelEffect.REPEAT
            assert self.book.outcome(order(number)) is self.ended[number]
        elif number == self.rendering:
            assert effect is CancelEffect.STOP
        elif number in self.delivering:
            assert effect is CancelEffect.WITHDRAW
        elif number in self.accepted:
            assert effect is CancelEffect.DROPPED
            assert dropped is not None
            self.ended[number] = outcomes.cancelled(dropped, NOW)
            self.book.finish(dropped, self.ended[number])
        else:
            assert effect is CancelEffect.UNKNOWN

    @invariant()
    def heartbeats_name_what_the_device_is_busy_with(self) -> None:
        busy = [*self.delivering, *([] if self.rendering is None else [self.rendering])]
        assert sorted(self.book.running()) == sorted(f"t{number}/shot-01/1" for number in busy)


TestBook = BookMachine.TestCase
