"""`storyreel models pull` as a person runs it, against a hub on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra.cli import main
from tests.contract.imitated_hub import ImitatedHub, serving
from tests.tiny_models.store import tiny

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "studio/tiny-sd"
PLACE = "studio--tiny-sd--0123456789ab"
UNET = "unet/diffusion_pytorch_model.safetensors"
MIB = 1024 * 1024
NOT_NEEDED = {
    "cover.png": b"\x89PNG",
    "run.py": b"print('no')",
    "everything.safetensors": b"weights of all parts once more",
    "unet/diffusion_pytorch_model.bin": b"\x80\x04 a pickle",
    "unet/diffusion_pytorch_model.fp16.safetensors": b"weights in half precision",
    "unet/model.onnx": b"\x08 the same in ONNX",
}


def contents(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def manifest_of(files: dict[str, bytes]) -> str:
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture(scope="module")
def model() -> dict[str, bytes]:
    return contents(tiny("sd15"))


class Person:
    """Somebody with a registry of one model and the command line."""

    def __init__(self, home: Path, hub: str, pin: str) -> None:
        self.home, self.models = home, home / "models"
        registry = home / "models.toml"
        registry.write_text(
            f'root = "models"\n[[models]]\nname = "tiny"\nkind = "image"\nfamily = "sd15"\nhub = "{REPOSITORY}"\n'
            f'revision = "{COMMIT}"\nlicence = "CC0"\nmemory_gb = 0.1\n{pin}\n'
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        mine = {"HF_ENDPOINT": hub, "HF_HOME": str(home / "hf"), "NO_PROXY": "127.0.0.1"}
        patient = {"HF_HUB_ETAG_TIMEOUT": "60", "HF_HUB_DOWNLOAD_TIMEOUT": "60"}
        self.environ = kept | mine | patient | {"STORYREEL_MODELS": str(registry)}

    def pull(self, *options: str) -> tuple[int, str, str]:
        """Exit code, output, and what a terminal shows beside it."""
        terminal, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 120))
        shown: list[bytes] = []
        watching = Thread(target=lambda: shown.extend(_until_closed(terminal)))
        watching.start()
        command = [sys.executable, "-m", "infra.cli", "models", "pull", "tiny", *options]
        try:
            done = subprocess.run(
                command, env=self.environ, stdout=subprocess.PIPE, stderr=theirs, timeout=120, check=False
            )
        finally:
            os.close(theirs)
            watching.join()
            os.close(terminal)
        return done.returncode, done.stdout.decode(), b"".join(shown).decode()


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(terminal, 65536)
        except OSError:  # EIO: the other end is closed
            return


class Teller:
    """What the other commands tell about the model, run in this process."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capsys = patch, capsys

    def problem(self, person: Person) -> str:
        """ "" = ready."""
        [row] = json.loads(self.run(person, "list", "--json")[1])
        return str(row["problem"])

    def run(self, person: Person, *words: str) -> tuple[int, str]:
        """Exit code and output."""
        self._patch.setenv("STORYREEL_MODELS", person.environ["STORYREEL_MODELS"])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["models", *words])
        return int(ended.value.code or 0), self._capsys.readouterr().out


@pytest.fixture
def teller(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Teller:
    return Teller(monkeypatch, capsys)


def test_a_pull_fetches_what_is_needed_once_and_the_other_commands_tell_the_truth(
    tmp_path: Path, model: dict[str, bytes], teller: Teller
) -> None:
    with serving(ImitatedHub(REPOSITORY, COMMIT, model | NOT_NEEDED)) as hub:
        person = Person(tmp_path, hub.address, f'manifest_sha256 = "{manifest_of(model)}"')
        assert "storyreel models pull tiny" in teller.problem(person)
        code, said, shown = person.pull()
        assert code == 0, shown
        assert sorted(sent.name for sent in hub.sent) == sorted(model)
        assert contents(person.models / PLACE) == model
        assert "licence of tiny: CC0" in said
        assert "not accepted yet: storyreel models accept tiny" in said
        assert "100%" in shown
        assert "licence 'CC0' was not accepted yet" in teller.problem(person)
        hub.forget()
        code, said, _ = person.pull("--accept-licence")
    assert (code, hub.asked) == (0, [])
    assert "accepted for tiny" in said
    assert teller.problem(person) == ""
    assert teller.run(person, "verify") == (
        0,
        f'tiny: {len(model)} files, as pinned; manifest_sha256 = "{manifest_of(model)}"\n',
    )
    _rot(person.models / PLACE / UNET)
    code, said = teller.run(person, "verify")
    assert (code, "the registry says" in said) == (1, True)
    assert "the registry says" in teller.problem(person)


def _rot(path: Path) -> None:
    """A disk that turns a bit: content differs, size, time and inode do not."""
    state, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_a_download_that_was_cut_is_completed_by_the_next_pull(
    tmp_path: Path, model: dict[str, bytes], teller: Teller
) -> None:
    model = model | {UNET: b"\2\0\0\0\0\0\0\0{}" + bytes(24 * MIB)}  # the client writes 10 MiB at a time
    with serving(ImitatedHub(REPOSITORY, COMMIT, model, cut={UNET: 18 * MIB})) as hub:
        person = Person(tmp_path, hub.address, "")
        code, _, shown = person.pull()
        assert (code, "Traceback" in shown) == (1, False)
        assert f"error: model 'tiny': {REPOSITORY} was not fetched from {hub.address}: " in shown
        assert "run it again" in shown
        assert "its files are not here" in teller.problem(person)
        hub.commit_is_told = False
        code, _, shown = person.pull()
        assert (code, "run it again" in shown, "its files are not here" in teller.problem(person)) == (1, True, True)
        hub.commit_is_told = True
        hub.forget()
        code, _, shown = person.pull("--accept-licence")
    assert code == 0, shown
    [rest] = [sent for sent in hub.sent if sent.name == UNET]
    assert (rest.start, rest.start + rest.count) == (10 * MIB, len(model[UNET]))
    assert contents(person.models / PLACE) == model
    assert teller.problem(person) == ""


@pytest.mark.parametrize("pin", ['manifest_sha256 = "{wrong}"', 'files = {{ "{unet}" = "{wrong}" }}'])
def test_files_that_are_not_what_the_registry_pins_are_not_kept(
    pin: str, tmp_path: Path, model: dict[str, bytes], teller: Teller
) -> None:
    with serving(ImitatedHub(REPOSITORY, COMMIT, model)) as hub:
        person = Person(tmp_path, hub.address, pin.format(wrong="f" * 64, unet=UNET))
        code, _, shown = person.pull("--accept-licence")
    assert code == 1
    assert f"the registry says {'f' * 64}" in shown
    assert "its files are not here" in teller.problem(person)
    assert not [path for path in person.models.rglob("*") if path.suffix == ".safetensors"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["pytorch_model.bin", "last.ckpt"], "pytorch_model.bin, last.ckpt: .bin files can run code"),
        (["model_index.json", UNET, "vae/config.json", "vae/weights.pt"], "vae/weights.pt: .pt files can run code"),
    ],
)
def test_pickles_are_refused_before_a_byte_of_anything_is_fetched(
    names: list[str], words: str, tmp_path: Path, teller: Teller
) -> None:
    files = dict.fromkeys([*names, "config.json", "README.md"], b"\x80\x04 whatever")
    with serving(ImitatedHub(REPOSITORY, COMMIT, files)) as hub:
        person = Person(tmp_path, hub.address, "")
        code, _, shown = person.pull()
    assert code == 1
    assert words in shown
    assert hub.asked == [f"GET /api/models/{REPOSITORY}/tree/{COMMIT}"]
    assert "its files are not here" in teller.problem(person)


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "gated": ({"gated": True}, "only to accounts that accepted its licence there"),
    "another commit": ({"revision": "f" * 40}, f"has no commit {COMMIT} of {REPOSITORY}"),
    "another repository": ({"repository": "studio/other"}, f"has no repository {REPOSITORY}"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_hub_that_does_not_give_the_model_says_why(name: str, tmp_path: Path) -> None:
    changed, words = CASES[name]
    with serving(ImitatedHub(**({"repository": REPOSITORY, "revision": COMMIT, "files": {}} | changed))) as hub:
        code, _, shown = Person(tmp_path, hub.address, "").pull()
    assert (code, "Traceback" in shown) == (1, False)
    assert words in shown


def test_a_hub_that_is_away_is_named(tmp_path: Path) -> None:
    with serving(ImitatedHub(REPOSITORY, COMMIT, {})) as hub:
        address = hub.address
    code, said, shown = Person(tmp_path, address, "").pull()
    assert (code, shown.count("\n")) == (1, 1)
    assert f"error: model 'tiny': {REPOSITORY} was not fetched from {address}: " in shown
    assert "licence of tiny: CC0" in said
