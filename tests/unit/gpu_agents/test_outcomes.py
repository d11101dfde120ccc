"""Reports, object keys, plans of films and inputs of specs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gpu_agents.child.protocol import ChildFile, Failed
from gpu_agents.worker import outcomes
from gpu_agents.worker.films import draft_of
from gpu_agents.worker.inputs import fetch_inputs, spec_keys, stage_files
from gpu_agents.worker.sealing import with_seed
from infra.object_store import LocalObjectStore
from schemas.common import Artifact, StageKind
from schemas.envelope import Envelope
from schemas.errors import RenderError
from schemas.film import FilmOptions
from schemas.render import RenderCommand
from schemas.specs import (
    CharacterRef,
    EmbeddingSpec,
    ScriptSpec,
    ShotSpec,
    Spec,
    SpeechSpec,
    StoryboardDraft,
    StoryboardShot,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ENVELOPE = Envelope(event_id="cause", account_id="ann", correlation_id="request")
COMMAND = RenderCommand(
    envelope=ENVELOPE, task_id="t", stage_id="shot-01", attempt=2, epoch=7, device_id="cpu-0", kind=StageKind.SHOT
)


def file(role: str, content_type: str) -> ChildFile:
    return ChildFile(role=role, path="/x", content_type=content_type, sha256="ab", size=1)


def test_a_repeated_outcome_has_the_same_id_and_every_other_one_another() -> None:
    first = outcomes.cancelled(COMMAND, NOW)
    assert outcomes.cancelled(COMMAND, NOW + timedelta(hours=1)).envelope.event_id == first.envelope.event_id
    others = [msgspec.structs.replace(COMMAND, **change) for change in ({"attempt": 3}, {"epoch": 8}, {"task_id": "u"})]
    ids = {outcomes.cancelled(other, NOW).envelope.event_id for other in others}
    ids |= {outcomes.started(COMMAND, NOW).envelope.event_id, first.envelope.event_id}
    assert len(ids) == 5


def test_a_report_names_the_attempt_and_its_lineage() -> None:
    failure = Failed(job_id="x", code="too_blue", detail="\0" + "d" * 5000, retryable=True)
    report = outcomes.failed(COMMAND, NOW, outcomes.problem_of(failure))
    assert (report.task_id, report.stage_id, report.attempt, report.epoch) == ("t", "shot-01", 2, 7)
    assert (report.envelope.account_id, report.envelope.correlation_id) == ("ann", "request")
    assert report.envelope.causation_id == "cause"
    assert (report.problem.type, report.problem.code, report.problem.retryable) == ("RenderFailed", "too_blue", True)
    assert report.problem.detail == "d" * 1000


def test_object_keys_name_the_attempt_and_never_collide() -> None:
    files = [file("main", "video/mp4"), file("poster", "image/jpeg"), file("poster", "image/jpeg"), file("x", "a/b")]
    assert outcomes.object_keys(COMMAND, files) == [
        "results/t/shot-01/a2-e7/main.mp4",
        "results/t/shot-01/a2-e7/poster.jpg",
        "results/t/shot-01/a2-e7/poster-2.jpg",
        "results/t/shot-01/a2-e7/x.bin",
    ]


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("image/png", "png"),
        ("image/webp", "webp"),
        ("audio/wav", "wav"),
        ("audio/mpeg", "mp3"),
        ("video/webm", "webm"),
        ("image/gif", "gif"),
        ("application/x-subrip", "srt"),
        ("text/vtt; charset=utf-8", "vtt"),
        ("application/json", "json"),
    ],
)
def test_extensions(content_type: str, extension: str) -> None:
    assert outcomes.extension_of(content_type) == extension


@pytest.mark.parametrize(
    ("spec", "keys"),
    [
        (ShotSpec(prompt="a"), []),
        (
            ShotSpec(
                prompt="a",
                image_key="up/1.png",
                characters=[CharacterRef(character_id="c", name="n", portrait_key="p.png")] * 2,
            ),
            ["up/1.png", "p.png"],
        ),
        (EmbeddingSpec(name="n", photo_keys=["b", "a"]), ["b", "a"]),
        (SpeechSpec(text="a"), []),
    ],
)
def test_the_keys_a_spec_names(spec: Spec, keys: list[str]) -> None:
    assert spec_keys(spec) == keys


def test_only_main_files_of_stages_are_inputs() -> None:
    main = Artifact(stage_id="shot-01", role="main", key="k")
    assert stage_files([Artifact(stage_id="shot-01", role="thumbnail", key="t"), main]) == {"shot-01": main}


async def test_inputs_are_downloaded_by_stage_and_key(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path / "store", "http://x", b"k" * 32)
    still = await store.put("results/still.png", b"still", "image/png")
    await store.put("up/own.png", b"own", "image/png")
    artifact = Artifact(stage_id="shot-01", role="main", key=still.key, sha256=still.sha256)
    command = msgspec.structs.replace(COMMAND, inputs=[artifact])
    files = await fetch_inputs(store, command, ShotSpec(prompt="a", image_key="up/own.png"), tmp_path)
    assert {name: path.read_bytes() for name, path in files.items()} == {"shot-01": b"still", "up/own.png": b"own"}
    assert files["shot-01"].suffix == ".png"


@pytest.mark.parametrize(("key", "code"), [("gone.png", "input_missing"), ("other.png", "input_changed")])
async def test_a_missing_or_changed_input_fails_the_stage(tmp_path: Path, key: str, code: str) -> None:
    store = LocalObjectStore(tmp_path / "store", "http://x", b"k" * 32)
    await store.put("other.png", b"other", "image/png")
    artifact = Artifact(stage_id="shot-01", role="main", key=key, sha256="0" * 64)
    command = msgspec.structs.replace(COMMAND, inputs=[artifact])
    with pytest.raises(RenderError, match="shot-01") as caught:
        await fetch_inputs(store, command, SpeechSpec(text="a"), tmp_path)
    assert caught.value.code == code


async def test_a_damaged_input_fails_the_stage_and_its_private_key_stays_unsaid(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path / "store", "http://x", b"k" * 32)
    await store.put("uploads/secret.png", b"photo", "image/png")
    [content] = [path for path in (tmp_path / "store" / "uploads").iterdir() if not path.name.endswith("@meta")]
    content.write_bytes(b"ph0to")
    with pytest.raises(RenderError) as caught:
        await fetch_inputs(store, COMMAND, EmbeddingSpec(name="n", photo_keys=["uploads/secret.png"]), tmp_path)
    assert caught.value.code == "input_damaged"
    assert "secret" not in str(caught.value)


def test_the_command_decides_the_seed() -> None:
    assert with_seed(ShotSpec(prompt="a", seed=1), 9) == ShotSpec(prompt="a", seed=9)
    assert with_seed(SpeechSpec(text="a"), 9) == SpeechSpec(text="a")


SHOTS = [
    StoryboardShot(id="s1", prompt="a hill", duration=2.5, narration="Once"),
    StoryboardShot(id="s2", prompt="a river", duration=4.0),
]
BOARD = msgspec.to_builtins(StoryboardDraft(title="Hills", language="zh", shots=SHOTS, duration=6.5))


def test_a_storyboard_alone_has_no_plan_but_its_figures() -> None:
    draft = draft_of(ScriptSpec(text="x"), {"storyboard": BOARD}, msgspec.json.encode)
    assert (draft.plan, draft.shot_count, draft.duration_ms) == (None, 2, 6500)
    assert draft_of(ShotSpec(prompt="a"), {}, msgspec.json.encode).shot_count == 0


def test_a_script_of_a_film_becomes_its_stages_in_the_language_of_the_draft() -> None:
    options = msgspec.json.encode(FilmOptions(language="en", fps=10))
    draft = draft_of(ScriptSpec(text="x", film_options=options), {"storyboard": BOARD}, msgspec.json.encode)
    assert draft.plan is not None
    assert [s.stage_id for s in draft.plan.stages] == ["shot-01", "speech-01", "shot-02", "music", "film"]
    assert draft.plan.frames == 65
    film = msgspec.json.decode(draft.plan.stages[-1].sealed)
    assert (film["title"], film["language"]) == ("Hills", "zh")
    assert draft.plan.stages[-1].deliver


@pytest.mark.parametrize(
    ("spec", "data", "code"),
    [
        (ScriptSpec(text="x"), {}, "engine_output"),
        (ScriptSpec(text="x"), {"storyboard": BOARD | {"shots": []}}, "empty_storyboard"),
        (ScriptSpec(text="x", film_options=b"{"), {"storyboard": BOARD}, "bad_spec"),
    ],
)
def test_a_bad_storyboard_fails_the_stage(spec: Spec, data: dict[str, object], code: str) -> None:
    with pytest.raises(RenderError) as caught:
        draft_of(spec, data, msgspec.json.encode)
    assert caught.value.code == code
