"""From finished files to the report of success: into the object store, verified, then told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gpu_agents.child.protocol import ChildFile, Done
from gpu_agents.worker.clock import utc_now
from gpu_agents.worker.films import draft_of
from gpu_agents.worker.outcomes import artifact_of, object_keys, succeeded
from gpu_agents.worker.sealing import Envelopes
from infra.object_store import NewObject, ObjectStore
from infra.retrying import is_away, until_done
from schemas.common import Artifact
from schemas.errors import ContractError, RenderError
from schemas.render import RenderCommand, StageSucceededReport
from schemas.serde import encode_body
from schemas.specs import Spec

_WAIT_MAX = 3.0  # seconds between attempts while the store is away


class Delivery:
    """Stores results of one device."""

    def __init__(self, store: ObjectStore, envelopes: Envelopes) -> None:
        self._store = store
        self._envelopes = envelopes

    async def store(self, command: RenderCommand, spec: Spec, done: Done) -> StageSucceededReport:
        """Put every file into the store and build the report; tries as long as the store is away.

        Raises `RenderError` when the result itself is unusable: a file that changed, a bad storyboard, an erased key,
        a result too large for a record.
        """

        async def report() -> StageSucceededReport:
            return self._report(command, spec, done, await self._put(command, done.files))

        return await until_done(report, is_away, wait_max=_WAIT_MAX)

    async def _put(self, command: RenderCommand, files: list[ChildFile]) -> list[Artifact]:
        keys = object_keys(command, files)
        new = [NewObject(key, Path(file.path), file.content_type) for file, key in zip(files, keys, strict=True)]
        for file, stored in zip(files, await self._store.put_all(new), strict=True):
            if (stored.sha256, stored.size) != (file.sha256, file.size):
                raise RenderError(f"the file {file.role!r} changed after it was rendered", code="engine_output")
        return [artifact_of(command, file, key) for file, key in zip(files, keys, strict=True)]

    def _report(
        self, command: RenderCommand, spec: Spec, done: Done, artifacts: list[Artifact]
    ) -> StageSucceededReport:
        account = command.envelope.account_id
        data = msgspec.json.decode(done.result)["data"]
        draft = draft_of(spec, data, self._envelopes.spec_sealer(account))
        report = succeeded(
            command,
            utc_now(),
            artifacts=artifacts,
            render_ms=done.usage.render_ms,
            sealed=self._envelopes.seal_result(account, done.result),
            plan=draft.plan,
            shot_count=draft.shot_count,
            duration_ms=draft.duration_ms,
            loaded=done.loaded,
        )
        try:
            encode_body(report)
        except ContractError as error:
            raise RenderError(f"the result cannot be reported: {error}", code="engine_output") from error
        return report
