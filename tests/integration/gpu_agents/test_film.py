"""A script becomes a film through nothing but commands and reports, with the engines that need no GPU."""

from __future__ import annotations

import msgspec
import pytest

from infra.object_store import create_object_store
from infra.settings import Settings
from schemas.common import Artifact, StagePlan
from schemas.film import FilmOptions
from schemas.render import RenderCommand, StageFailedReport, StageSucceededReport
from schemas.specs import ScriptSpec
from tests.integration.gpu_agents.coordinating import Desk, desk_and_agent

pytestmark = pytest.mark.timeout(180)
ENGINES = ("rules", "null", "speech", "tone", "animatic")
SCRIPT = "An old lighthouse stands above the sea at night. The keeper says: “Storm is coming.”"


async def run(desk: Desk, command: RenderCommand) -> StageSucceededReport:
    def ours(report: StageSucceededReport | StageFailedReport) -> bool:
        return (report.task_id, report.stage_id) == (command.task_id, command.stage_id)

    await desk.write(command)
    reports = await desk.expect(StageSucceededReport, ours, patience=90)
    assert not desk.all(StageFailedReport, ours)
    return reports[0]


def command_of(desk: Desk, script: RenderCommand, stage: StagePlan, files: list[Artifact]) -> RenderCommand:
    return msgspec.structs.replace(
        script,
        stage_id=stage.stage_id,
        kind=stage.kind,
        engine=stage.engine,
        seed=stage.seed,
        sealed=stage.sealed,
        inputs=[file for file in files if file.stage_id in stage.depends_on],
    )


async def test_from_script_to_film(settings: Settings) -> None:
    async with desk_and_agent(settings, "film-cpu-0", 30, ENGINES) as (desk, _):
        options = FilmOptions(width=512, height=512, fps=6, image_engine="null", seed=3)
        spec = ScriptSpec(text=SCRIPT, film_options=msgspec.json.encode(options), target_duration=4.0)
        script = desk.command(spec, engine="rules", stage_id="script")
        drafted = await run(desk, script)
        assert drafted.plan is not None
        assert drafted.shot_count == drafted.plan.shot_count >= 1
        files: list[Artifact] = []
        for stage in drafted.plan.stages:
            report = await run(desk, command_of(desk, script, stage, files))
            files += report.artifacts
        film = next(f for f in files if f.stage_id == "film" and f.role == "main")
        assert (film.content_type, film.width, film.height) == ("video/mp4", 512, 512)
        assert film.duration_ms == pytest.approx(drafted.duration_ms, abs=500)
        store = create_object_store(settings, b"k" * 32)
        assert b"ftyp" in (await store.get(film.key))[:16]
