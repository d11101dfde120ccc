"""What is signed, and when nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from msgspec.structs import replace

from infra.audit.keys import public_pem, read_public_key, signing_key
from infra.audit.notes import key_id, sign, text
from infra.audit.sealing import Sealer
from infra.settings import Settings
from schemas.checkpoints import CheckpointSigned
from schemas.errors import ConfigurationError, ContractError
from tests.faults.simulation.owner import CODEC
from tests.unit.audit.mutations import forged
from tests.unit.audit.recorded import NOW, Ledger, Signer, bounds_of, busy_ledger, in_order

SIGNER = Signer()


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return busy_ledger()


def sealer_over(ledger: Ledger, last: CheckpointSigned | None = None) -> Sealer:
    """A sealer that has read all of the ledger that follows `last`."""
    sealer = Sealer(CODEC, bounds_of(ledger), last)
    after = {(head.topic, head.partition): head.offset for head in last.partitions} if last else {}
    for place, records in ledger.items():
        for raw in records:
            if raw.offset >= after.get(place, 0):
                sealer.take(raw)
        sealer.close(place)
    sealer.advance()
    return sealer


def test_a_checkpoint_goes_on_where_the_last_one_ended(ledger: Ledger) -> None:
    half = CODEC.decode_as(SIGNER.checkpoints(ledger, [70])[0].value, CheckpointSigned)
    rest = sealer_over(ledger, half).seal(SIGNER.key, NOW)
    assert rest is not None
    assert (rest.number, rest.first_shard_seq, rest.last_shard_seq) == (2, 71, len(in_order(ledger)))
    assert sealer_over(ledger, rest).seal(SIGNER.key, NOW) is None


def restored(ledger: Ledger) -> Ledger:
    """The ledger on another cluster: the same records at other offsets."""
    return {p: [replace(raw, offset=at) for at, raw in enumerate(records)] for p, records in ledger.items()}


def test_a_restored_ledger_is_signed_on_when_all_of_it_is_read(ledger: Ledger) -> None:
    half = CODEC.decode_as(SIGNER.checkpoints(ledger, [70])[0].value, CheckpointSigned)
    direct = sealer_over(ledger, half).seal(SIGNER.key, NOW)
    assert direct is not None
    again = read_whole(restored(ledger), half).seal(SIGNER.key, NOW)
    assert again is not None
    assert (again.number, again.root, again.kept_root) == (2, direct.root, direct.kept_root)
    with pytest.raises(ContractError, match="not the record that checkpoint 1 signs"):
        read_whole(restored(forged(ledger, 30)), half).seal(SIGNER.key, NOW)


def read_whole(ledger: Ledger, last: CheckpointSigned) -> Sealer:
    """A sealer that is given everything."""
    sealer = Sealer(CODEC, bounds_of(ledger), last, whole=True)
    for records in ledger.values():
        for raw in records:
            sealer.take(raw)
    for place in ledger:
        sealer.close(place)
    sealer.advance()
    return sealer


def test_nothing_is_signed_while_something_new_is_out_of_order(ledger: Ledger) -> None:
    place = ("tasks", 0)
    broken = {**ledger, place: ledger[place][:7] + ledger[place][8:]}
    with pytest.raises(ContractError, match=r"nothing is signed.*missing"):
        sealer_over(broken).seal(SIGNER.key, NOW)


def test_a_checkpoint_after_which_the_log_was_rewritten_is_not_followed(ledger: Ledger) -> None:
    half = CODEC.decode_as(SIGNER.checkpoints(ledger, [70])[0].value, CheckpointSigned)
    elsewhere = replace(half, head_hash=b"x" * 32)
    with pytest.raises(ContractError, match="prev_hash"):
        sealer_over(ledger, sign(elsewhere, SIGNER.key)).seal(SIGNER.key, NOW)


def test_the_signed_text_names_every_field(ledger: Ledger) -> None:
    made = sealer_over(ledger).seal(SIGNER.key, NOW)
    assert made is not None
    SIGNER.key.public_key().verify(made.signature, text(made))
    for field in CheckpointSigned.__struct_fields__:
        if field in ("signature", "envelope"):
            continue
        other = {int: 99, str: "other", bytes: b"other", list: []}[type(getattr(made, field))]
        with pytest.raises(InvalidSignature):
            SIGNER.key.public_key().verify(made.signature, text(replace(made, **{field: other})))


def test_the_key_is_made_once_private_and_read_back(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key = signing_key(settings).public_key()
    assert key_id(signing_key(settings).public_key()) == key_id(key)
    [file] = settings.secrets_dir.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    pem = settings.data_dir / "key.pem"
    pem.write_text(public_pem(key))
    assert key_id(read_public_key(pem)) == key_id(key)
    pem.write_text("no key")
    with pytest.raises(ConfigurationError, match="no public key in PEM"):
        read_public_key(pem)
