"""Which objects nobody needs any more, judged by the log alone. Pure: an inventory is told every event, then asked about keys.

Deleted may be: what a superseded attempt or a finished task left without an event naming it, previews of finished tasks that
no progress record names, and uploads that became nothing. A key that any event names stays, also one of an earlier task whose
result was taken again; so does every key this module does not know, snapshots for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from schemas.common import Artifact
from schemas.entities import AssetRegistered, CharacterReady, CharacterRegistered
from schemas.envelope import Record
from schemas.render import StageProgressed
from schemas.tasks import (
    StageCompleted,
    StageDispatched,
    TaskCancelled,
    TaskCompleted,
    TaskEvent,
    TaskExpired,
    TaskFailed,
    TaskQueued,
)
from schemas.topics import ASSETS, CHARACTERS, PROGRESS, TASKS, TopicSpec

Reason = Literal["superseded attempt", "left by a finished task", "preview of a finished task", "unused upload"]
TOPICS: tuple[TopicSpec, ...] = (TASKS, CHARACTERS, ASSETS, PROGRESS)
UPLOAD_GRACE = 72 * 3_600.0  # seconds; an upload is put again under its key as long as its request is remembered, 48 h
_ENDED = (TaskCompleted, TaskCancelled, TaskFailed, TaskExpired)
_RESULT = re.compile(r"results/(?P<task>[^/]+)/(?P<stage>[^/]+)/a(?P<attempt>[0-9]{1,9})-e[0-9]+/[^/]+")
_PREVIEW = re.compile(r"previews/(?P<task>[^/]+)/[^/]+")
_UPLOAD = re.compile(r"accounts/[^/]+/(assets|characters)/.+")


class Inventory:
    """What the events of `TOPICS` name, and which tasks and attempts are over."""

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._folders: set[str] = set()
        self._ended: set[str] = set()
        self._attempts: dict[str, dict[str, int]] = {}

    def learn(self, record: Record) -> None:
        """Take over one record. Records of one task come in their order."""
        match record:
            case CharacterReady():
                self._name(record.artifacts)
            case CharacterRegistered():
                self._folders.add(f"accounts/{record.envelope.account_id}/characters/{record.character_id}/")
            case AssetRegistered():
                folder = f"accounts/{record.envelope.account_id}/assets"
                self._named.add(f"{folder}/{record.asset_id}-{record.sha256[:16]}.png")
            case StageProgressed() if record.preview_key:
                self._named.add(record.preview_key)
            case TaskEvent():
                self._task(record)

    def _task(self, event: TaskEvent) -> None:
        match event:
            case TaskQueued():
                self._attempts[event.task_id] = {}
            case StageDispatched():
                self._attempts.setdefault(event.task_id, {})[event.stage_id] = event.attempt
            case StageCompleted():
                self._name(event.artifacts)
            case TaskCompleted():
                self._name(event.outputs)
        if isinstance(event, _ENDED):
            self._attempts.pop(event.task_id, None)
            self._ended.add(event.task_id)

    def _name(self, artifacts: Iterable[Artifact]) -> None:
        self._named.update(artifact.key for artifact in artifacts)

    def reason(self, key: str) -> Reason | None:
        """Why the object may go, None if it must stay."""
        if key in self._named:
            return None
        if result := _RESULT.fullmatch(key):
            if result["task"] in self._ended:
                return "left by a finished task"
            newest = self._attempts.get(result["task"], {}).get(result["stage"], 0)
            return "superseded attempt" if int(result["attempt"]) < newest else None
        if preview := _PREVIEW.fullmatch(key):
            return "preview of a finished task" if preview["task"] in self._ended else None
        if _UPLOAD.fullmatch(key):
            return None if key.rpartition("/")[0] + "/" in self._folders else "unused upload"
        return None
