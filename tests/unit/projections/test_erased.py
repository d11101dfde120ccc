"""Erased accounts and characters in the rows of the read models."""

from __future__ import annotations

import pytest

from projections.folds.characters import apply_character, blank_images, image_rows
from projections.folds.users import apply_user
from schemas.common import Artifact, Tier
from schemas.entities import (
    AccountErased,
    CharacterErased,
    CharacterFailed,
    CharacterReady,
    CharacterRegistered,
    UserRegistered,
)
from schemas.errors import ContractError
from tests.unit.projections.ledger import Ledger


def test_an_erased_account_is_shown_as_such_and_keeps_no_credential() -> None:
    ledger = Ledger()
    registered = ledger.stamp(UserRegistered(tier=Tier.VIP, key_id="key"), "ann", "ann")
    erased = ledger.stamp(AccountErased(operator="olga", reason="asked"), "ann", "ann")
    row = apply_user(apply_user(None, registered), erased)
    assert (row.key_id, row.erased_at, row.tier) == ("", erased.envelope.occurred_at, Tier.VIP)
    assert apply_user(row, registered) is row
    with pytest.raises(ContractError, match="never registered"):
        apply_user(None, erased)


def test_an_erased_character_holds_nothing_and_stays_erased() -> None:
    ledger = Ledger()
    portrait = Artifact(role="portrait", key="p.png", sha256="abc", size=9, width=512, height=512)
    registered = ledger.stamp(CharacterRegistered(character_id="c", task_id="t", sealed=b"profile"), "ann", "c")
    ready = ledger.stamp(
        CharacterReady(character_id="c", task_id="t", revision=1, artifacts=[portrait], sealed=b"vector"), "ann", "c"
    )
    row = apply_character(apply_character(None, registered), ready)
    [blank] = blank_images(row)
    [image] = image_rows(ready)
    assert (blank.key, blank.revision, blank.character_id) == (image.key, image.revision, image.character_id)
    assert (blank.sha256, blank.size, blank.width) == ("", 0, 0)
    row = apply_character(row, ledger.stamp(CharacterErased(character_id="c"), "ann", "c"))
    assert (row.status, row.sealed, row.sealed_result, row.artifacts) == ("erased", b"", b"", [])
    late = apply_character(row, ledger.stamp(CharacterFailed(character_id="c", task_id="t"), "ann", "c"))
    assert (late.status, late.problem) == ("erased", None)
