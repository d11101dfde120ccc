"""Quotas, users, characters, assets, storyboards, devices, history."""

from __future__ import annotations

import msgspec
import pytest

from projections.folds.assets import apply_asset
from projections.folds.characters import DIMENSIONS, apply_character, embedding_of, image_rows
from projections.folds.devices import apply_device
from projections.folds.quotas import apply_limit, apply_usage
from projections.folds.storyboards import apply_storyboard
from projections.folds.task_events import task_event_row
from projections.folds.users import apply_user, effective_limits
from schemas.common import Artifact, Limits, Problem, Tier
from schemas.entities import (
    AssetRegistered,
    CharacterFailed,
    CharacterReady,
    CharacterRegistered,
    DeviceChanged,
    DeviceStatus,
    StoryboardDrafted,
    UserRegistered,
)
from schemas.errors import ContractError
from schemas.quotas import QuotaCommitted, QuotaLimitChanged, QuotaReserved
from schemas.tasks import StagesPlanned, TaskQueued
from tests.unit.projections.ledger import Ledger, plan


def test_usage_shows_the_sums_of_the_last_event() -> None:
    ledger = Ledger()
    first = ledger.stamp(QuotaReserved(resource="images", day="d", amount=1, used=2, reserved=1), "ann", "ann")
    second = ledger.stamp(QuotaCommitted(resource="images", day="d", amount=1, used=3, reserved=0), "ann", "ann")
    row = apply_usage(apply_usage(None, first), second)
    assert (row.account_id, row.used, row.reserved) == ("ann", 3, 0)
    assert apply_usage(row, first) is row


def test_an_administrator_s_limit_beats_the_one_of_the_registration() -> None:
    ledger = Ledger()
    user = apply_user(
        None, ledger.stamp(UserRegistered(tier=Tier.FREE, limits=Limits(images_per_day=20)), "ann", "ann")
    )
    limit = apply_limit(None, ledger.stamp(QuotaLimitChanged(resource="images", limit=7), "ann", "ann"))
    assert effective_limits(user.limits, [limit]) == Limits(images_per_day=7)
    assert effective_limits(user.limits, []) == Limits(images_per_day=20)


def test_a_character_s_way() -> None:
    ledger = Ledger()
    registered = ledger.stamp(
        CharacterRegistered(character_id="c", task_id="t", photo_count=3, sealed=b"profile"), "ann", "c"
    )
    portrait = Artifact(role="portrait", key="p.png", size=9, width=512, height=512)
    ready = ledger.stamp(
        CharacterReady(character_id="c", task_id="t", revision=1, artifacts=[portrait], sealed=b"vector"), "ann", "c"
    )
    again = ledger.stamp(CharacterFailed(character_id="c", task_id="t2", problem=Problem(code="no_face")), "ann", "c")
    row = apply_character(None, registered)
    assert (row.status, row.photo_count, row.sealed) == ("processing", 3, b"profile")
    assert apply_character(row, again).status == "failed"
    row = apply_character(row, ready)
    assert (row.status, row.revision, row.sealed_result, row.sealed) == ("ready", 1, b"vector", b"profile")
    row = apply_character(row, again)
    assert (row.status, row.revision, row.problem) == ("ready", 1, Problem(code="no_face"))
    [image] = image_rows(ready)
    assert (image.key, image.role, image.revision, image.account_id) == ("p.png", "portrait", 1, "ann")
    with pytest.raises(ContractError, match="unknown"):
        apply_character(None, ready)


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"data": None},
        {"data": {"encoder": "x"}},
        {"data": {"embedding": [], "encoder": "x"}},
        {"data": {"embedding": ["1"], "encoder": "x"}},
        {"data": {"embedding": [0.0] * 769, "encoder": "x"}},
    ],
)
def test_no_vector_without_a_usable_result(result: dict[str, object] | None) -> None:
    assert embedding_of(result) is None


def test_shorter_vectors_are_filled_up() -> None:
    found = embedding_of({"recipe": {}, "data": {"embedding": [0.5, 1], "encoder": "arc"}})
    assert found is not None
    assert found.encoder == "arc"
    assert found.vector == [0.5, 1.0] + [0.0] * (DIMENSIONS - 2)


def test_assets_storyboards_and_devices_keep_the_last_word() -> None:
    ledger = Ledger()
    asset = apply_asset(None, ledger.stamp(AssetRegistered(asset_id="a", size=5, sealed=b"key"), "ann", "a"))
    assert (asset.account_id, asset.size, asset.sealed) == ("ann", 5, b"key")
    first = ledger.stamp(StoryboardDrafted(storyboard_id="s", revision=1, shot_count=4), "ann", "s")
    second = ledger.stamp(StoryboardDrafted(storyboard_id="s", revision=2, shot_count=6), "ann", "s")
    board = apply_storyboard(apply_storyboard(None, first), second)
    assert (board.revision, board.shot_count, board.created_at) == (2, 6, first.envelope.occurred_at)
    live = ledger.stamp(DeviceChanged(device_id="d", epoch=3, status=DeviceStatus.LIVE), "", "d")
    lost = ledger.stamp(DeviceChanged(device_id="d", epoch=3, status=DeviceStatus.LOST), "", "d")
    device = apply_device(apply_device(None, live), lost)
    assert device.status == DeviceStatus.LOST
    assert apply_device(device, live) is device
    assert apply_device(None, lost) == device


def test_the_public_history_holds_no_ciphertext() -> None:
    ledger = Ledger()
    event = ledger.task(TaskQueued(task_id="t", stages=[plan("image-1")], sealed=b"secret", body_hash="mac"), "ann")
    row = task_event_row(event)
    detail = msgspec.json.decode(row.detail)
    assert (row.type, row.account_id, row.account_seq, row.sequence) == ("TaskQueued", "ann", 1, 1)
    assert "sealed" not in msgspec.json.encode(detail).decode()
    assert "body_hash" not in detail
    assert [stage["stage_id"] for stage in detail["stages"]] == ["image-1"]
    planned = task_event_row(ledger.task(StagesPlanned(task_id="t", stages=[plan("film")]), "ann"))
    assert b"sealed" not in bytes(planned.detail)
