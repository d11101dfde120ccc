"""I5: what events name is in the store as recorded, and nothing is there that no event names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.common import Artifact
from schemas.entities import AssetRegistered, CharacterReady, CharacterRegistered
from schemas.envelope import LedgerRecord
from schemas.snapshots import LedgerMarked
from schemas.tasks import StageCompleted, TaskCompleted
from tests.faults.checker.evidence import ObjectSeen
from tests.faults.checker.records import Logged
from tests.faults.checker.violations import EventRef, Findings
from tests.faults.simulation.transitions import CLOSED


@dataclass(slots=True)
class Named:
    """A file as the first event that names it recorded it."""

    sha256: str
    size: int
    event: EventRef
    seen: bool = False


@dataclass
class Objects:
    """Folds what events say about files."""

    findings: Findings
    named: dict[str, Named] = field(default_factory=dict)
    uploads: set[str] = field(default_factory=set)
    snapshots: set[str] = field(default_factory=set)

    def fold(self, logged: Logged, record: LedgerRecord) -> None:
        """Take over the files an event names."""
        match record:
            case StageCompleted() | CharacterReady():
                self._name(logged, record.artifacts)
            case TaskCompleted():
                self._name(logged, record.outputs)
            case AssetRegistered():
                key = f"accounts/{record.envelope.account_id}/assets/{record.asset_id}-{record.sha256[:16]}.png"
                self._name(logged, [Artifact(key=key, sha256=record.sha256, size=record.size)])
            case CharacterRegistered():
                self.uploads.add(f"accounts/{record.envelope.account_id}/characters/{record.character_id}/")

    def _name(self, logged: Logged, artifacts: Iterable[Artifact]) -> None:
        for artifact in artifacts:
            before = self.named.setdefault(artifact.key, Named(artifact.sha256, artifact.size, logged.ref))
            if (before.sha256, before.size) != (artifact.sha256, artifact.size):
                text = f"{artifact.key} is recorded with two hashes or sizes"
                self.findings.add("I5", text, before.event, logged.ref)

    def marked(self, logged: Logged, mark: LedgerMarked) -> None:
        """Saved states: what the newest mark names must be there, what older ones named may be gone."""
        for key in self.snapshots:
            self.named.pop(key, None)
        self.snapshots = {ref.key for ref in mark.snapshots}
        self._name(logged, [Artifact(key=ref.key, sha256=ref.sha256, size=ref.size) for ref in mark.snapshots])

    def finish(
        self, objects: Iterable[ObjectSeen], previews: Iterable[str], tasks: Mapping[str, tuple[str, str]]
    ) -> None:
        """Compare with the store. `previews` are the keys that progress names, `tasks` are (status, account) by id."""
        shown = set(previews)
        for item in objects:
            self.findings.checked["I5"] += 1
            named = self.named.get(item.key)
            if named is not None:
                named.seen = True
                if (named.sha256, named.size) != (item.sha256, item.size):
                    was, now = f"{named.size} bytes {named.sha256[:12]}", f"{item.size} bytes {item.sha256[:12]}"
                    self.findings.add("I5", f"{item.key} is not as recorded: {was}, found {now}", named.event)
            elif item.old and item.key not in shown and not self._is_photo(item.key) and not _runs(item.key, tasks):
                self.findings.add("I5", f"{item.key} is named by no event")
        for key, named in self.named.items():
            if not named.seen:
                self.findings.add("I5", f"{key} is missing", named.event)

    def _is_photo(self, key: str) -> bool:
        return key.rpartition("/")[0] + "/" in self.uploads


def _runs(key: str, tasks: Mapping[str, tuple[str, str]]) -> bool:
    """Whether it belongs to a task that has not ended: an attempt may be under way."""
    folder, _, rest = key.partition("/")
    task = tasks.get(rest.partition("/")[0])
    return folder in ("results", "previews") and task is not None and task[0] not in CLOSED
