"""The commands of one lease: what waits, what runs, what is done. Pure bookkeeping, so that nothing is rendered twice."""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum, auto

from gpu_agents.worker.outcomes import key_of
from schemas.render import CancelCommand, RenderCommand, StageFailedReport, StageSucceededReport

Outcome = StageSucceededReport | StageFailedReport
REMEMBERED = 2048  # outcomes; far more than may be outstanding on a device


class CancelEffect(Enum):
    """What a cancel command calls for."""

    DROPPED = auto()  # it was waiting: report it as cancelled
    STOP = auto()  # it is rendering: tell the child
    WITHDRAW = auto()  # it is rendered and its files are on their way: leave them
    REPEAT = auto()  # it is done: report the outcome again
    UNKNOWN = auto()  # nothing of that name is here


class CommandBook:
    """Keys are TASK/STAGE/ATTEMPT within one epoch."""

    def __init__(self) -> None:
        self._waiting: deque[RenderCommand] = deque()
        self._rendering: RenderCommand | None = None
        self._delivering: dict[str, RenderCommand] = {}
        self._done: OrderedDict[str, Outcome] = OrderedDict()

    def accept(self, command: RenderCommand) -> Outcome | None:
        """Take a command up. One that is already here changes nothing; of one that is done the outcome comes back."""
        key = _key(command)
        if key in self._done:
            return self._done[key]
        if key not in self.active():
            self._waiting.append(command)
        return None

    def next(self) -> RenderCommand | None:
        """Begin the oldest waiting command, None when there is none. Raises `ValueError` while another one renders."""
        if self._rendering is not None:
            raise ValueError(f"{_key(self._rendering)} is still rendering")
        self._rendering = self._waiting.popleft() if self._waiting else None
        return self._rendering

    def rendered(self) -> None:
        """The running command is rendered and its files are to be delivered."""
        if self._rendering is None:
            raise ValueError("nothing is rendering")
        self._delivering[_key(self._rendering)] = self._rendering
        self._rendering = None

    def finish(self, command: RenderCommand, outcome: Outcome) -> None:
        """Remember how a command ended."""
        key = _key(command)
        if self._rendering is not None and _key(self._rendering) == key:
            self._rendering = None
        self._delivering.pop(key, None)
        self._done[key] = outcome
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def cancel(self, order: CancelCommand) -> tuple[CancelEffect, RenderCommand | None]:
        """What the order means here, and the command it drops."""
        key = key_of(order.task_id, order.stage_id, order.attempt)
        for command in self._waiting:
            if _key(command) == key:
                self._waiting.remove(command)
                return CancelEffect.DROPPED, command
        if self._rendering is not None and _key(self._rendering) == key:
            return CancelEffect.STOP, None
        if key in self._delivering:
            return CancelEffect.WITHDRAW, None
        return (CancelEffect.REPEAT if key in self._done else CancelEffect.UNKNOWN), None

    def outcome(self, order: CancelCommand) -> Outcome | None:
        """The remembered outcome of the attempt an order names."""
        return self._done.get(key_of(order.task_id, order.stage_id, order.attempt))

    def active(self) -> list[str]:
        """Keys of everything that is waiting, rendering or being delivered, in that order of age reversed."""
        rendering = [] if self._rendering is None else [_key(self._rendering)]
        return [*self._delivering, *rendering, *map(_key, self._waiting)]

    def running(self) -> list[str]:
        """Keys of what the device is busy with: what a heartbeat names."""
        return [*self._delivering, *([] if self._rendering is None else [_key(self._rendering)])]


def _key(command: RenderCommand) -> str:
    return key_of(command.task_id, command.stage_id, command.attempt)
