"""What belongs to an account, told by the log alone. Pure: it is shown every record of `TOPICS`."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.common import TaskKind
from schemas.entities import AccountErased, CharacterErased, CharacterRegistered, UserRegistered
from schemas.envelope import EPOCH, Record
from schemas.tasks import TaskCancelled, TaskCompleted, TaskEvent, TaskExpired, TaskFailed, TaskQueued
from schemas.topics import ASSETS, CHARACTERS, TASKS, USERS, TopicSpec

TOPICS: tuple[TopicSpec, ...] = (USERS, TASKS, CHARACTERS, ASSETS)
_ENDS = {TaskCompleted: "completed", TaskCancelled: "cancelled", TaskFailed: "failed", TaskExpired: "expired"}


class Work(Struct, kw_only=True):
    """A task of the account; `status` is "open" until it ends. `character_ids` are whose pictures it was made from."""

    task_id: str
    kind: TaskKind
    created_at: datetime
    character_ids: list[str]
    status: str = "open"
    files: int = 0


class Pictured(Struct, kw_only=True):
    """A character and how many photos of a person it was made from."""

    character_id: str
    photo_count: int
    erased: bool = False


class Belongings:
    """Fed in any order of topics, each topic in its own."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.registered = False
        self.erased_at: datetime = EPOCH
        self.erased_by = ""
        self.works: dict[str, Work] = {}
        self.characters: dict[str, Pictured] = {}

    def learn(self, record: Record) -> None:
        """Take over one record; those of others change nothing."""
        if record.envelope.account_id != self.account_id:
            return
        match record:
            case UserRegistered():
                self.registered = True
            case AccountErased():
                self.erased_at, self.erased_by = record.envelope.occurred_at, record.operator
            case CharacterRegistered():
                character = Pictured(character_id=record.character_id, photo_count=record.photo_count)
                self.characters[record.character_id] = character
            case CharacterErased() if record.character_id in self.characters:
                self.characters[record.character_id].erased = True
            case TaskEvent():
                self._task(record)

    def _task(self, event: TaskEvent) -> None:
        if isinstance(event, TaskQueued):
            characters = [event.entity_id] if event.kind is TaskKind.CHARACTER else list(event.character_ids)
            self.works[event.task_id] = Work(
                task_id=event.task_id,
                kind=event.kind,
                created_at=event.envelope.occurred_at,
                character_ids=characters,
            )
        elif (work := self.works.get(event.task_id)) is not None and type(event) in _ENDS:
            work.status = _ENDS[type(event)]
            work.files = len(event.outputs) if isinstance(event, TaskCompleted) else 0

    @property
    def erased(self) -> bool:
        """Whether the log says that the account is no more."""
        return self.erased_at != EPOCH

    @property
    def open_tasks(self) -> list[str]:
        """Tasks that have not ended."""
        return [work.task_id for work in self.works.values() if work.status == "open"]

    @property
    def pictured(self) -> list[Work]:
        """What was made from pictures of a person, the oldest first."""
        return [work for work in self.works.values() if work.character_ids]

    @property
    def prefixes(self) -> list[str]:
        """Where everything lies in the object store that was uploaded by the account or made for it."""
        folders = [f"{folder}/{task_id}/" for task_id in self.works for folder in ("results", "previews")]
        return [f"accounts/{self.account_id}/", *folders]
