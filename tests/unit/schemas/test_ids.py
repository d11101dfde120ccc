"""Derived ids are the UUIDv5 of their parts, as any other tool computes them."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import NAMESPACE, derived_id, is_id


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_derived_id_is_the_uuid5_of_its_parts(parts: list[str]) -> None:
    made = derived_id(*parts)
    assert made == str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))
    assert is_id(made)
