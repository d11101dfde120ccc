"""The documentation says what the code does: generated parts, settings, routes, codes, links, commands, quotations."""

from __future__ import annotations

import ast
import inspect
import re
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from api.live.sse import event_name
from api.problems import PROBLEMS
from gpu_agents.engines.base import Engine, EngineKind
from infra.cli.app import build_app
from infra.settings import PREFIX, Settings
from infra.topic_docs import PAGE, render_page
from projections.folds.task_rows import Status
from schemas import specs, tasks
from schemas.common import Tier
from schemas.topics import BY_NAME
from streams.domain.policy import PRIORITY, TIER_LIMITS
from tests.unit.api.support import Edge

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "infra/docs"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("*.md")])
PRODUCT = ("api", "gpu_agents", "infra", "projections", "schemas", "streams")
BUILT_INS_OF_CLI = {"--help", "--version", "--debug"}

by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """Anchors of headings as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def console_lines(page: Path) -> list[str]:
    """Commands shown in console blocks, continuation lines joined."""
    blocks = re.findall(r"```console\n(.*?)```", text_of(page), re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [line[2:].split("#")[0].strip() for line in joined.splitlines() if line.startswith("$ ")]


def test_the_page_of_topics_is_current() -> None:
    assert text_of(PAGE) == render_page(), "run: python -m infra.topic_docs"


def test_the_page_of_topics_names_every_topic_and_record() -> None:
    page = text_of(PAGE)
    for topic in BY_NAME.values():
        assert f"| `{topic.name}` |" in page
        for record in topic.records:
            assert f"#### {record.__name__}\n" in page
            assert f"| `{record.__struct_fields__[-1]}` |" in page


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(STORYREEL_\w+)` \| (`[^`]*`|empty) \|", text_of(DOCS / "operations.md"), re.MULTILINE)
    )
    shown = Settings().to_env()
    expected = {name: f"`{value}`" if value else "empty" for name, value in shown.items()}
    assert rows == expected


def test_every_variable_that_the_code_names_is_documented() -> None:
    page = text_of(DOCS / "operations.md")
    found = {
        name
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
        if not path.is_relative_to(DOCS)
        for name in re.findall(rf'"({PREFIX}[A-Z0-9_]+)"', path.read_text(encoding="utf-8"))
    }
    assert {"STORYREEL_KEK", "STORYREEL_CACHE"} <= found
    assert {name for name in found if f"`{name}`" not in page} == set()


def test_the_tour_names_every_route_and_code(tmp_path: Path) -> None:
    page = text_of(DOCS / "api.md")
    with Edge(tmp_path).client() as client:
        paths = client.get("/schema/openapi.json").json()["paths"]
    calls = {f"{verb.upper()} {path.removeprefix('/api/v1')}" for path, verbs in paths.items() for verb in verbs}
    assert len(calls) > 15
    assert {call for call in calls if f"`{call}`" not in page} == set()
    assert {code for code in PROBLEMS if f"`{code}`" not in page} == set()


def test_the_tour_knows_the_words_and_the_figures() -> None:
    page = text_of(DOCS / "api.md")
    words = page.partition("### Status words\n\n| `status` | meaning |\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z]+)` \| ", words, re.MULTILINE) == list(get_args(Status))
    assert {
        name for event in get_args(tasks.AnyTaskEvent) if f"`{(name := event_name(event.__name__))}`" not in page
    } == set()
    for tier in (Tier.VIP, Tier.NORMAL, Tier.FREE):
        limits = TIER_LIMITS[tier]
        row = f"| {tier.value} | {limits.images_per_day:,} | {limits.videos_per_day:,} | {PRIORITY[tier]} |"
        assert row in page


def test_the_page_of_engines_has_the_members_of_the_protocol_and_every_kind() -> None:
    page = text_of(DOCS / "engines.md")
    members = [name for name in (*Engine.__annotations__, *vars(Engine)) if not name.startswith("_")]
    assert {"name", "render", "cancel"} <= set(members)
    assert {name for name in members if not re.search(rf"^\| `{name}(\(.*\))?` \|", page, re.MULTILINE)} == set()
    assert {kind for kind in EngineKind if kind.value not in page} == set()


@pytest.mark.parametrize("name", sorted(path.name for path in (DOCS / "examples").glob("*.py")))
def test_examples_are_quoted_as_they_are(name: str) -> None:
    quoted = f"```python\n{text_of(DOCS / 'examples' / name)}```"
    assert [page.name for page in PAGES if quoted in text_of(page)], f"examples/{name} is quoted nowhere"


@by_name
def test_python_in_the_pages_is_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL):
        ast.parse(block)


@by_name
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{page.name}: {target}"
        assert place.is_relative_to(ROOT), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(place), f"{page.name}: {target}"


@by_name
def test_no_page_names_a_machine(page: Path) -> None:
    found = re.findall(r"(?:/work|/home|/root|/tmp|/Users|/mnt)/[\w./-]*", text_of(page))
    assert found == []


def options_of(words: list[str]) -> set[str]:
    """Options of the command that the words lead to; fails if there is no such command."""
    app = build_app()
    for word in words:
        app = app[word]
    handler = app.default_command
    if handler is None:
        return set()
    names = set()
    for parameter in app.assemble_argument_collection():
        names |= set(parameter.names)
    return names


@by_name
def test_commands_of_the_command_line_exist(page: Path) -> None:
    shown = [re.split(r"[|>]", line)[0].split() for line in console_lines(page)]
    for words in (line[line.index(tool) + 1 :] for line in shown for tool in line if tool.endswith("storyreel")):
        command = []
        for word in words:
            if word.startswith("-"):
                break
            command.append(word)
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= options_of(command) | BUILT_INS_OF_CLI, f"{page.name}: {' '.join(words)}"


@by_name
def test_targets_of_make_exist(page: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    wanted = {line.split()[1] for line in console_lines(page) if line.startswith("make ")}
    assert wanted <= known
    assert wanted or page.name != "README.md"


@by_name
def test_files_in_backquotes_exist(page: Path) -> None:
    """What looks like a path of this repository is one."""
    for name in re.findall(rf"`((?:{'|'.join((*PRODUCT, 'tests'))})/[\w./-]+)`", text_of(page)):
        assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_modules_run_by_hand_exist() -> None:
    for page in PAGES:
        for module in re.findall(rf"python -m ((?:{'|'.join(PRODUCT)})[\w.]*)", text_of(page)):
            found = find_spec(module)
            assert found, f"{page.name}: python -m {module}"
            is_package = found.submodule_search_locations is not None
            assert not is_package or find_spec(f"{module}.__main__"), f"{page.name}: python -m {module}"


def test_the_specs_of_the_page_of_engines_exist() -> None:
    kinds = {
        name for name, item in inspect.getmembers(specs) if isinstance(item, type) and issubclass(item, msgspec.Struct)
    }
    named = set(re.findall(r"`(\w+(?:Spec|Draft))`", text_of(DOCS / "engines.md")))
    assert named <= kinds
    assert {name for name in kinds if name.endswith("Spec")} <= named
