"""Checkpoints that were kept elsewhere tell of a log that was cut together with its checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.audit.events import Findings, Raw
from infra.audit.kept import check_kept, read_kept
from infra.audit.notes import text
from infra.audit.seals import read_signed
from schemas.checkpoints import CheckpointSigned
from schemas.errors import ConfigurationError
from tests.faults.simulation.owner import CODEC
from tests.unit.audit.mutations import forged
from tests.unit.audit.recorded import Ledger, Signer, audit, busy_ledger, in_order

SIGNER = Signer()


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return busy_ledger()


def printed(raw: Raw) -> str:
    """What the command prints."""
    checkpoint = CODEC.decode_as(raw.value, CheckpointSigned)
    return f"{text(checkpoint).decode()}signature {checkpoint.signature.hex()}\n"


def told(path: Path, checkpoints: list[Raw]) -> list[str]:
    """What the kept file tells of the checkpoints on a log."""
    found = Findings()
    check_kept(read_kept(path), read_signed(checkpoints, CODEC, SIGNER.keys, found), found)
    return [str(one) for one in found.kept]


def test_what_was_cut_with_its_checkpoint_is_named(ledger: Ledger, tmp_path: Path) -> None:
    checkpoints = SIGNER.checkpoints(ledger, [40, 90])
    path = tmp_path / "kept.txt"
    path.write_text("nothing is new since the last checkpoint\n".join(map(printed, checkpoints)))
    assert told(path, checkpoints) == []
    cut: Ledger = {place: [] for place in ledger}
    for raw in in_order(ledger)[:40]:
        cut[raw.place].append(raw)
    assert audit(cut, checkpoints[:1], SIGNER.keys).rules.keys() <= {"quota"}  # nothing else would tell
    [line] = told(path, checkpoints[:1])
    assert line.startswith("checkpoints[0]@1: checkpoint 2, which was kept elsewhere, is not on the log")


def test_a_log_that_was_written_anew_and_signed_again_is_named(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("".join(map(printed, SIGNER.checkpoints(ledger, [40, 90]))))
    other = SIGNER.checkpoints(forged(ledger, 50), [40, 90])
    [line] = told(path, other)
    assert line.startswith("checkpoints[0]@1 CheckpointSigned: checkpoint 2 is not the one that was kept")


def test_a_kept_checkpoint_that_is_not_whole_is_an_error(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    whole = printed(SIGNER.checkpoints(ledger, [40])[0])
    for content in ("", "anything\n", whole[:-20], whole + whole[: len(whole) // 2]):
        path.write_text(content)
        with pytest.raises(ConfigurationError, match="are whole"):
            read_kept(path)
