from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies.audio import AudioBody
from api.bodies.base import Body
from api.bodies.check import check_fields, parse_body, path_of
from api.bodies.images import ImageBody
from api.bodies.scripts import StoryboardBody
from api.bodies.users import CharacterBody, UserBody
from api.bodies.videos import VideoBody, parse_resolution
from api.errors import ApiError

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ID = "018f0000-0000-7000-8000-000000000001"
SCENE = {"prompt": "a hill", "duration": 5}
GOOD: dict[type[Body], dict[str, Any]] = {
    ImageBody: {"prompt": "a hill"},
    VideoBody: {"scenes": [SCENE]},
    AudioBody: {"text": "hello"},
    StoryboardBody: {"script": "INT. ROOM - DAY"},
    UserBody: {},
    CharacterBody: {"name": "Han Li"},
}


def broken(model: type[Body], data: object) -> dict[str, str]:
    """field → rule of the one error the body raises, {} if it is good."""
    raw = json.dumps(data).encode()
    body, bad = check_fields(model, raw, json.loads(raw), NOW)
    assert (body is None) or not [b for b in bad if b.rule == "type"]
    assert len({b.field for b in bad}) == len(bad)
    return {b.field: b.rule for b in bad}


LIMITS = [
    (ImageBody, "prompt", "", "min_length"),
    (ImageBody, "prompt", "x" * 501, "max_length"),
    (ImageBody, "prompt", " \n ", "not_blank"),
    (ImageBody, "prompt", "a\x00b", "control_characters"),
    (ImageBody, "prompt", None, "type"),
    (ImageBody, "prompt", 5, "type"),
    (ImageBody, "negative_prompt", "x" * 501, "max_length"),
    (ImageBody, "width", 504, "minimum"),
    (ImageBody, "width", 2056, "maximum"),
    (ImageBody, "width", 1001, "multiple_of"),
    (ImageBody, "width", "1024", "type"),
    (ImageBody, "width", 1024.5, "type"),
    (ImageBody, "height", 504, "minimum"),
    (ImageBody, "height", True, "type"),
    (ImageBody, "num_inference_steps", 9, "minimum"),
    (ImageBody, "num_inference_steps", 101, "maximum"),
    (ImageBody, "guidance_scale", -0.1, "minimum"),
    (ImageBody, "guidance_scale", 30.1, "maximum"),
    (ImageBody, "seed", -1, "minimum"),
    (ImageBody, "seed", 2**32, "maximum"),
    (ImageBody, "count", 0, "minimum"),
    (ImageBody, "count", 9, "maximum"),
    (ImageBody, "character_id", "hanli", "pattern"),
    (ImageBody, "character_id", ID.upper(), "pattern"),
    (ImageBody, "scene_config", [], "type"),
    (ImageBody, "output_format", "gif", "one_of"),
    (ImageBody, "engine", "animatic", "engine"),
    (ImageBody, "engine", "nothing", "engine"),
    (ImageBody, "engine", "diffusers/" + "m" * 65, "engine"),
    (ImageBody, "engine", "diffusers/" + "m" * 120, "max_length"),
    (ImageBody, "project", "a b", "pattern"),
    (ImageBody, "project", "x" * 65, "pattern"),
    (ImageBody, "deadline", "2026-11-23T00:00:00Z", "future"),
    (ImageBody, "deadline", "2026-11-23t00:00:00z", "future"),
    (ImageBody, "deadline", "9999-12-31T23:59:59-23:59", "date_time"),
    (ImageBody, "deadline", "2027-01-01T00:00:00", "date_time"),
    (ImageBody, "deadline", "2027-13-01T00:00:00Z", "date_time"),
    (ImageBody, "deadline", 1893456000, "date_time"),
    (ImageBody, "callback_uri", "https://example.org", "unknown_field"),
    (VideoBody, "scenes", [], "min_items"),
    (VideoBody, "scenes", [SCENE] * 201, "max_items"),
    (VideoBody, "output_format", "avi", "one_of"),
    (VideoBody, "engine", "sketch", "engine"),
    (VideoBody, "image_engine", "animatic", "engine"),
    (VideoBody, "target_duration", 30, "only_with"),
    (VideoBody, "characters", [ID], "only_with"),
    (VideoBody, "language", "fr", "one_of"),
    (AudioBody, "text", "x" * 4097, "max_length"),
    (AudioBody, "speed", 0.4, "minimum"),
    (AudioBody, "speed", 2.1, "maximum"),
    (AudioBody, "format", "ogg", "one_of"),
    (AudioBody, "voice", "../etc/passwd", "pattern"),
    (AudioBody, "ambience", True, "only_with"),
    (AudioBody, "duration", 5, "only_with"),
    (AudioBody, "engine", "tone", "engine"),
    (StoryboardBody, "script", "x" * 100_001, "max_length"),
    (StoryboardBody, "target_duration", 0.1, "minimum"),
    (StoryboardBody, "characters", [ID] * 21, "max_items"),
    (StoryboardBody, "engine", "sketch", "engine"),
    (UserBody, "tier", "gold", "one_of"),
    (UserBody, "role", "admin", "unknown_field"),
    (CharacterBody, "name", "x" * 101, "max_length"),
    (CharacterBody, "description", "x" * 2001, "max_length"),
]


@pytest.mark.parametrize(("model", "field", "value", "rule"), LIMITS)
def test_a_value_beyond_a_limit_is_named_with_its_rule(model: type[Body], field: str, value: object, rule: str) -> None:
    assert broken(model, {**GOOD[model], field: value}) == {field: rule}


AT_THE_LIMIT = [
    (ImageBody, {"prompt": "山" * 500, "width": 512, "height": 2048, "num_inference_steps": 10, "count": 8}),
    (ImageBody, {"guidance_scale": 30, "seed": 2**32 - 1, "num_inference_steps": 100, "project": "A_b-9" * 12}),
    (ImageBody, {"deadline": "2026-11-24T08:00:01+08:00", "engine": "null"}),
    (ImageBody, {"engine": "diffusers/" + "m" * 64}),
    (VideoBody, {"engine": "diffusers-video/" + "m" * 64, "image_engine": "instantid/" + "m" * 64}),
    (VideoBody, {"scenes": [{"prompt": "x", "duration": 0.5}] * 200}),
    (VideoBody, {"scenes": [{"prompt": "x", "duration": 60, "narration": "n" * 500}], "video_config": {"fps": 60}}),
    (VideoBody, {"scenes": None, "script": "x" * 100_000, "target_duration": 30, "characters": [ID]}),
    (AudioBody, {"text": "x" * 4096, "speed": 2}),
    (AudioBody, {"text": None, "mood": "epic", "ambience": True, "duration": 0.5, "seed": 0, "engine": "tone"}),
]


@pytest.mark.parametrize(("model", "change"), AT_THE_LIMIT)
def test_values_at_the_limits_are_good(model: type[Body], change: dict[str, Any]) -> None:
    if "deadline" in change:
        change = {**change, "deadline": "2026-11-24T08:00:01+08:00"}
    assert broken(model, {**GOOD[model], **change}) == {}


def test_every_bad_field_is_named_at_once() -> None:
    scenes = [
        {"id": "a", "prompt": "", "duration": 0.4},
        {"id": "a", "prompt": "x", "duration": 61, "transition": "spin", "scene_config": {"mood": "odd", "x": 1}},
        {"prompt": "x", "narration": "n" * 501, "image_path": "", "colour": "red"},
    ]
    config = {"fps": 61, "resolution": "640x100", "upscale": 2, "audio": "yes"}
    body = {"scenes": scenes, "script": "x", "video_config": config, "seed": 1.5, "more": 1}
    assert broken(VideoBody, body) == {
        "scenes[0].prompt": "min_length",
        "scenes[0].duration": "minimum",
        "scenes[1].duration": "maximum",
        "scenes[1].transition": "one_of",
        "scenes[1].scene_config.mood": "one_of",
        "scenes[1].scene_config.x": "unknown_field",
        "scenes[1].id": "unique",
        "scenes[2].narration": "max_length",
        "scenes[2].image_path": "min_length",
        "scenes[2].colour": "unknown_field",
        "scenes": "exactly_one",
        "video_config.fps": "maximum",
        "video_config.resolution": "resolution",
        "video_config.upscale": "type",
        "video_config.audio": "type",
        "seed": "type",
        "more": "unknown_field",
    }


@pytest.mark.parametrize(
    "sources", [{}, {"scenes": [SCENE], "storyboard_id": ID}, {"script": "x", "storyboard_id": ID}]
)
def test_a_film_has_exactly_one_source(sources: dict[str, object]) -> None:
    assert broken(VideoBody, sources) == {"scenes": "exactly_one"}


@pytest.mark.parametrize("sources", [{}, {"text": "x", "mood": "calm"}])
def test_a_sound_is_either_speech_or_music(sources: dict[str, object]) -> None:
    assert broken(AudioBody, sources) == {"text": "exactly_one"}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"1", b'"x"', b'{"prompt": NaN}', b'{"prompt":"\\ud800"}', b"\xff", b"[" * 10_000]
)
def test_what_is_no_json_object_is_malformed(raw: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        parse_body(ImageBody, raw, NOW)
    assert caught.value.code == "malformed_body"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
field_names = st.sampled_from([*VideoBody.model_fields, *ImageBody.model_fields, *AudioBody.model_fields])


@given(st.sampled_from(list(GOOD)), st.dictionaries(field_names, json_values, max_size=4))
def test_any_json_object_is_good_or_named_field_by_field(model: type[Body], change: dict[str, object]) -> None:
    data = {**GOOD[model], **change}
    rules = broken(model, data)
    unknown = {name for name in data if name not in model.model_fields}
    assert {name for name, rule in rules.items() if rule == "unknown_field" and "." not in name} >= unknown


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_a_resolution_is_two_allowed_sides(width: int, height: int) -> None:
    allowed = all(512 <= side <= 2048 and side % 8 == 0 for side in (width, height))
    assert (parse_resolution(f"{width}x{height}") == (width, height)) is allowed


def test_a_body_with_bad_fields_is_refused_with_all_of_them() -> None:
    with pytest.raises(ApiError) as caught:
        parse_body(ImageBody, b'{"prompt": "", "width": 5}', NOW)
    assert caught.value.code == "validation_failed"
    assert {bad.field for bad in caught.value.bad} == {"prompt", "width"}


def test_paths_read_like_code() -> None:
    assert path_of(("scenes", 2, "scene_config", "mood")) == "scenes[2].scene_config.mood"
