"""Sealing: what was sealed is readable by everybody with the key, for its purpose only."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.keystore import DataKey, digest, seal, seal_json, unseal, unseal_json, unseal_spec
from schemas.errors import ContractError
from schemas.specs import ScriptSpec, ShotSpec, SpeechSpec
from tests.unit.keystore.helpers import ALICE, BOB, JSON, SHOT_AAD, TEXT


@given(prompt=TEXT, seed=st.integers(0, 2**63 - 1), purpose=st.binary(max_size=20))
def test_a_sealed_record_comes_back(prompt: str, seed: int, purpose: bytes) -> None:
    spec = ShotSpec(prompt=prompt, seed=seed)
    sealed = seal(ALICE, spec, purpose)
    assert unseal(ALICE, sealed, purpose, ShotSpec) == spec
    assert unseal_spec(ALICE, sealed, purpose) == spec


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_a_sealed_json_object_comes_back(value: dict[str, object]) -> None:
    assert unseal_json(ALICE, seal_json(ALICE, value, b"x"), b"x") == value


def test_every_kind_of_spec_is_told_apart_by_its_tag() -> None:
    for spec in (ShotSpec(prompt="p"), SpeechSpec(text="t"), ScriptSpec(text="s", film_options=b"{}")):
        assert unseal_spec(ALICE, seal(ALICE, spec, SHOT_AAD), SHOT_AAD) == spec


def test_the_ciphertext_hides_the_text_and_never_repeats() -> None:
    spec = ShotSpec(prompt="the old lighthouse keeper")
    sealed = {seal(ALICE, spec, SHOT_AAD) for _ in range(20)}
    assert len(sealed) == 20
    assert not any(b"lighthouse" in one or b"prompt" in one for one in sealed)


def test_changing_any_byte_is_noticed() -> None:
    sealed = seal(ALICE, SpeechSpec(text="secret words"), SHOT_AAD)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 0x01
        with pytest.raises(ContractError, match="sealed data") as caught:
            unseal(ALICE, bytes(changed), SHOT_AAD, SpeechSpec)
        assert "secret" not in str(caught.value)
    for cut in range(len(sealed)):
        with pytest.raises(ContractError, match="sealed data"):
            unseal(ALICE, sealed[:cut], SHOT_AAD, SpeechSpec)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="sealed data"):
        unseal_json(ALICE, data, b"")


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_another_purpose_does_not_open_it(right: bytes, wrong: bytes) -> None:
    sealed = seal_json(ALICE, {"a": 1}, right)
    if right != wrong:
        with pytest.raises(ContractError, match="account or purpose"):
            unseal_json(ALICE, sealed, wrong)


def test_another_account_does_not_open_it_even_with_the_same_secret() -> None:
    with pytest.raises(ContractError, match="account or purpose"):
        unseal(BOB, seal(ALICE, ShotSpec(prompt="p"), SHOT_AAD), SHOT_AAD, ShotSpec)


def test_account_and_purpose_cannot_be_shifted_into_one_another() -> None:
    left, right = DataKey("ab", b"k" * 32), DataKey("a", b"k" * 32)
    with pytest.raises(ContractError, match="account or purpose"):
        unseal_json(right, seal_json(left, {}, b"c"), b"bc")


def test_a_content_of_another_kind_is_refused_without_quoting_it() -> None:
    sealed = seal_json(ALICE, {"type": "shot", "prompt": 17, "camera": "private words"}, SHOT_AAD)
    for kind in (ShotSpec, SpeechSpec):
        with pytest.raises(ContractError, match="does not hold a") as caught:
            unseal(ALICE, sealed, SHOT_AAD, kind)
        assert "private" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_digests_find_equal_content_within_one_account_only() -> None:
    other = DataKey("bob", b"b" * 32)
    assert digest(ALICE, b"x") == digest(ALICE, b"x")
    assert len({digest(ALICE, b"x"), digest(ALICE, b"y"), digest(other, b"x")}) == 3
    assert len(bytes.fromhex(digest(ALICE, b"x"))) == 32


def test_a_key_is_not_printed_or_pickled() -> None:
    assert repr(ALICE) == "DataKey('alice')"
    with pytest.raises(TypeError, match="DataKey"):
        pickle.dumps(ALICE)
