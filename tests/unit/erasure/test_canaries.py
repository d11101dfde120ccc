"""The search for canaries finds what it is meant to find, however it lies in a file."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.canaries import SNAPSHOT, forms, in_files

CANARY = "kakapo-7f31c9"


@given(before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_base64_is_found_at_every_alignment(before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + CANARY.encode() + after)
    assert any(form in encoded for form in forms(CANARY))


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_other_encodings_are_found(before: str, after: str) -> None:
    text = before + CANARY + after
    plain = text.encode("utf-8", "surrogatepass")
    wide = [text.encode(kind, "surrogatepass") for kind in ("utf-16-le", "utf-16-be")]
    for hidden in (plain, *wide, plain.hex().encode(), plain.hex().upper().encode()):
        assert any(form in hidden for form in forms(CANARY))


def test_it_is_found_behind_a_hole_and_in_a_snapshot_and_nowhere_else(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.seek(50_000_000)
        file.write(CANARY.encode())
    (tmp_path / "snapshot").write_bytes(SNAPSHOT + zlib.compress(b"x" * 1000 + CANARY.encode()))
    (tmp_path / "clean").write_bytes(b"kakapo-7f31c8" * 1000)
    (tmp_path / "empty").touch()
    assert [path.name for path in in_files(tmp_path, forms(CANARY))] == ["holes", "snapshot"]
