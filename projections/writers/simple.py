"""Topics whose events fold into one table."""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.assets import apply_asset
from projections.folds.devices import apply_device
from projections.folds.storyboards import apply_storyboard
from projections.folds.users import apply_user
from projections.folds.webhooks import apply_webhook
from projections.row_store import RowStore
from projections.tables import ASSET_TABLE, DEVICE_TABLE, STORYBOARD_TABLE, USER_TABLE, WEBHOOK_TABLE
from projections.writers.base import Refused, Unseal, fold_into, wanted
from schemas.entities import AnyAssetEvent, AnyDeviceEvent, AnyStoryboardEvent, AnyUserEvent, AnyWebhookEvent
from schemas.envelope import LedgerRecord


async def write_users(store: RowStore, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Accounts."""
    known, foreign = wanted(events, AnyUserEvent)
    result = await fold_into(store, USER_TABLE, known, lambda e: (e.envelope.account_id,), apply_user)
    return foreign + result.refused


async def write_assets(store: RowStore, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Uploads."""
    known, foreign = wanted(events, AnyAssetEvent)
    result = await fold_into(store, ASSET_TABLE, known, lambda e: (e.asset_id,), apply_asset)
    return foreign + result.refused


async def write_storyboards(store: RowStore, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Storyboards."""
    known, foreign = wanted(events, AnyStoryboardEvent)
    result = await fold_into(store, STORYBOARD_TABLE, known, lambda e: (e.storyboard_id,), apply_storyboard)
    return foreign + result.refused


async def write_webhooks(store: RowStore, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Webhooks."""
    known, foreign = wanted(events, AnyWebhookEvent)
    result = await fold_into(store, WEBHOOK_TABLE, known, lambda e: (e.webhook_id,), apply_webhook)
    return foreign + result.refused


async def write_devices(store: RowStore, events: Sequence[LedgerRecord], _: Unseal) -> list[Refused]:
    """Devices."""
    known, foreign = wanted(events, AnyDeviceEvent)
    result = await fold_into(store, DEVICE_TABLE, known, lambda e: (e.device_id,), apply_device)
    return foreign + result.refused
