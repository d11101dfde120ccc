"""The sketch engine: what a person sees changes with what they asked for, and only then."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from gpu_agents.engines.base import RenderOutput
from gpu_agents.engines.sketch import SketchEngine, vocabulary
from gpu_agents.engines.sketch.brief import light_name, read
from gpu_agents.engines.sketch.places import PLACES
from gpu_agents.engines.sketch.props import PROPS
from schemas.errors import RenderCancelledError, RenderError
from schemas.specs import Camera, CharacterRef, Lighting, Mood, SpeechSpec
from tests.unit.engines.helpers import context, drawn_face, pixels, shot


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sketch")


def draw(folder: Path, name: str, inputs: dict[str, Path] | None = None, **changes: Any) -> RenderOutput:
    return SketchEngine().render(shot(**changes), context(folder / name, inputs))


def _one(field: str, value: object) -> dict[str, Any]:
    return {field: value}


def main(output: RenderOutput) -> Path:
    return next(file.path for file in output.files if file.role == "main")


def difference(first: RenderOutput, second: RenderOutput) -> float:
    return float(np.abs(pixels(main(first)) - pixels(main(second))).mean())


def test_same_spec_gives_the_same_bytes_and_another_seed_another_picture(folder: Path) -> None:
    first, again = (draw(folder, name, prompt="湖边，少侠，雨", seed=3) for name in ("same1", "same2"))
    other = draw(folder, "other", prompt="湖边，少侠，雨", seed=4)
    assert main(first).read_bytes() == main(again).read_bytes()
    assert difference(first, other) > 5


@pytest.mark.parametrize("place", sorted(PLACES))
def test_every_place_can_be_drawn_and_is_no_flat_colour(folder: Path, place: str) -> None:
    words = {**vocabulary.INTERIORS, **vocabulary.LANDSCAPES}.get(place, ("portrait",))
    output = draw(folder, f"place-{place}", prompt=words[0], lighting="studio" if place == "studio" else "natural")
    assert output.summary["place"] == place
    assert pixels(main(output)).std() > 6


@pytest.mark.parametrize(
    ("field", "values"),
    [("camera", get_args(Camera)), ("lighting", get_args(Lighting)), ("mood", get_args(Mood))],
)
def test_every_camera_light_and_mood_changes_the_picture(folder: Path, field: str, values: tuple[str, ...]) -> None:
    seen = {
        value: pixels(main(draw(folder, f"{field}-{value}", prompt="a man by a lake", **_one(field, value))))[::4, ::4]
        for value in values
    }
    for first, second in itertools.combinations(values, 2):
        assert np.abs(seen[first] - seen[second]).mean() > 1.0, (first, second)


@pytest.mark.parametrize("thing", sorted(PROPS))
def test_every_object_shows_in_the_picture(folder: Path, thing: str) -> None:
    bare = draw(folder, "bare", prompt="field", mood="neutral")
    output = draw(folder, f"thing-{thing}", prompt=f"field, {vocabulary.OBJECTS[thing][0]}")
    assert output.summary["objects"] == [thing]
    assert difference(bare, output) > 0.05


@pytest.mark.parametrize("structure", sorted(vocabulary.STRUCTURES))
def test_every_landmark_shows_in_the_picture(folder: Path, structure: str) -> None:
    bare = draw(folder, "bare-lake", prompt="lake")
    output = draw(folder, f"landmark-{structure}", prompt=f"lake, {vocabulary.STRUCTURES[structure][0]}")
    assert structure in output.summary["structures"]
    assert difference(bare, output) > 0.1


def test_rain_fog_and_snow_are_visible(folder: Path) -> None:
    dry = draw(folder, "dry", prompt="village", lighting="overcast")
    for word in ("rain", "fog", "snow", "storm"):
        assert difference(dry, draw(folder, word, prompt=f"village, {word}", lighting="overcast")) > 2, word


@pytest.mark.parametrize(
    ("prompt", "place", "indoors", "structures", "objects", "time"),
    [
        ("灯塔下的小船，黄昏", "sea", False, ("lighthouse",), ("boat",), "dusk"),
        ("星空下的湖面", "lake", False, (), (), "night"),
        ("An old library at midnight, a cat on a book", "library", True, (), ("cat", "book"), "night"),
        ("太空船驾驶舱", "cockpit", True, (), (), ""),
        ("mountain lake at dawn", "lake", False, (), (), "dawn"),
        ("上海街头的出租车", "city", False, (), ("car",), ""),
        ("花海中的少女", "field", False, (), ("flower",), ""),
    ],
)
def test_prompts_in_both_languages_are_understood(
    prompt: str, place: str, indoors: bool, structures: tuple[str, ...], objects: tuple[str, ...], time: str
) -> None:
    brief = read(shot(prompt=prompt))
    assert (brief.place, brief.indoors, brief.structures, brief.time) == (place, indoors, structures, time)
    assert set(brief.objects) == set(objects)


@pytest.mark.parametrize("mood", ["mysterious", "tense"])
def test_the_post_that_frames_a_night_interior_is_a_lit_thing_and_no_black_bar(folder: Path, mood: str) -> None:
    output = draw(folder, f"post-{mood}", prompt="bedroom at night", camera="wide", lighting="candlelight", mood=mood)
    seen = pixels(main(output))
    width = seen.shape[1]
    side = min((seen[:, : width // 30], seen[:, -width // 30 :]), key=lambda strip: strip.mean())
    assert side.max(axis=2).mean() > 25
    assert side.max(axis=2).std() > 8


def test_negative_prompt_takes_things_away() -> None:
    brief = read(shot(prompt="village, rain, horse", negative_prompt="rain, 马, horse"))
    assert "rain" not in brief.weather
    assert brief.objects == ()


def test_words_match_whole_words_only() -> None:
    assert read(shot(prompt="a carpet in the barn, a business plan")).objects == ()


def test_explicit_light_wins_over_the_time_of_day() -> None:
    assert light_name(read(shot(prompt="forest at night", lighting="neon"))) == "neon"
    assert light_name(read(shot(prompt="forest at night"))) == "night"
    assert light_name(read(shot(prompt="forest in the rain"))) == "overcast"


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    face = drawn_face(3, backdrop=(0, 255, 0))
    rgba = np.dstack([np.asarray(face), np.where((np.asarray(face) == (0, 255, 0)).all(axis=2), 0, 255)]).astype(
        np.uint8
    )
    path = tmp_path / "portrait.png"
    Image.fromarray(rgba).save(path)
    return path


def test_portrait_is_in_the_frame_and_larger_in_close_ups(folder: Path, portrait: Path) -> None:
    person = CharacterRef(character_id="c", name="Lin", portrait_key="key")
    with Image.open(portrait) as opened:
        magenta = Image.new("RGBA", opened.size, (255, 0, 255, 255))
        magenta.putalpha(opened.getchannel("A"))
    marked = portrait.with_name("marked.png")
    magenta.save(marked)
    areas = {}
    for camera in ("wide", "medium", "close_up"):
        output = draw(folder, f"portrait-{camera}", {"key": marked}, prompt="field", camera=camera, characters=[person])
        red, green, blue = np.moveaxis(pixels(main(output)), 2, 0)
        areas[camera] = int(((red - green > 60) & (blue - green > 60)).sum())
    assert 30 < areas["wide"] < areas["medium"] < areas["close_up"]


def test_character_without_portrait_is_drawn_and_differs_by_description(folder: Path) -> None:
    empty = draw(folder, "nobody", prompt="field", camera="medium")
    red, blue = (
        draw(folder, f"dressed-{colour}", prompt="field", camera="medium",
             characters=[CharacterRef(character_id="c", name="Lin", description=f"a woman in a {colour} robe")])
        for colour in ("red", "blue")
    )  # fmt: skip
    assert difference(empty, red) > 5
    assert difference(red, blue) > 1


def test_missing_or_broken_portrait_is_an_error_that_names_it(folder: Path, tmp_path: Path) -> None:
    person = CharacterRef(character_id="c", name="Lin", portrait_key="key")
    with pytest.raises(RenderError, match="Lin"):
        draw(folder, "missing", prompt="field", characters=[person])
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(RenderError, match="cannot be read"):
        draw(folder, "broken", {"key": broken}, prompt="field", characters=[person])


def test_given_picture_covers_the_frame_without_distortion(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "given.png"
    halves = np.zeros((600, 600, 3), np.uint8)
    halves[:, :300], halves[:, 300:] = (200, 40, 40), (40, 40, 200)
    Image.fromarray(halves).save(source)
    output = draw(folder, "given", {"key": source}, prompt="field", image_key="key", width=1024, height=512)
    seen = pixels(main(output))
    assert seen.shape == (512, 1024, 3)
    assert seen[256, 200, 0] > seen[256, 200, 2] + 80
    assert seen[256, 800, 2] > seen[256, 800, 0] + 80
    with pytest.raises(RenderError, match="image_key"):
        draw(folder, "not-given", prompt="field", image_key="key")


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_recipe_is_embedded_and_repeats_the_picture(folder: Path, output_format: str) -> None:
    output = draw(folder, output_format, prompt="寺庙，雪", seed=11, output_format=output_format)
    file = next(file for file in output.files if file.role == "main")
    with Image.open(file.path) as picture:
        assert picture.get_format_mimetype() == file.content_type
        text = picture.info["storyreel"] if output_format == "png" else picture.getexif()[0x010E]
    recipe = json.loads(text)
    assert recipe == json.loads(json.dumps(output.recipe))
    assert recipe["engine"] == "sketch"
    assert recipe["parameters"]["prompt"] == "寺庙，雪"
    parameters = {key: value for key, value in recipe["parameters"].items() if key != "type"}
    again = draw(folder, f"{output_format}-again", **parameters)
    assert main(again).read_bytes() == file.path.read_bytes()


def test_thumbnail_is_a_small_jpeg_of_the_same_shape(folder: Path) -> None:
    output = draw(folder, "thumb", prompt="sea", width=1536, height=864)
    thumbnail = next(file for file in output.files if file.role == "thumbnail")
    with Image.open(thumbnail.path) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (384, 216) == (thumbnail.media["width"], thumbnail.media["height"])


@pytest.mark.parametrize(("width", "height"), [(512, 2048), (2048, 512), (520, 1000)])
def test_extreme_sizes(folder: Path, width: int, height: int) -> None:
    with Image.open(main(draw(folder, f"{width}x{height}", prompt="city", width=width, height=height))) as picture:
        assert picture.size == (width, height)


@pytest.mark.parametrize(("field", "value"), [("width", 500), ("height", 513), ("width", 2056)])
def test_sizes_out_of_range_are_refused_by_name(folder: Path, field: str, value: int) -> None:
    with pytest.raises(RenderError, match=field):
        draw(folder, "size", **_one(field, value))


def test_progress_rises_to_one_with_previews_on_the_way(tmp_path: Path) -> None:
    seen: list[tuple[float, bytes | None]] = []
    SketchEngine().render(shot(), context(tmp_path, on_progress=lambda *report: seen.append((report[0], report[3]))))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    previews = [preview for _, preview in seen if preview]
    assert len(previews) >= 2
    with Image.open(io.BytesIO(previews[-1])) as picture:
        assert picture.format == "JPEG"
        assert max(picture.size) == 256


def test_cancel_stops_within_the_render(tmp_path: Path) -> None:
    steps: list[int] = []
    ctx = context(
        tmp_path,
        on_progress=lambda *report: steps.append(report[1]),
        is_cancelled=lambda: len(steps) >= 3,
    )
    with pytest.raises(RenderCancelledError):
        SketchEngine().render(shot(), ctx)
    assert steps[-1] == 3
    assert not list(tmp_path.glob("picture*"))


def test_another_kind_of_spec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="SpeechSpec"):
        SketchEngine().render(SpeechSpec(text="x"), context(tmp_path))


def test_setup_and_estimate() -> None:
    engine = SketchEngine()
    engine.setup()
    small, large = engine.estimate(shot()), engine.estimate(shot(width=2048, height=2048))
    assert 0 < small.seconds < large.seconds
    assert small.steps == 9
