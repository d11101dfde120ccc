"""Asset events into uploads."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from projections.folds.guard import is_old
from schemas.entities import AnyAssetEvent
from schemas.envelope import EPOCH


class AssetRow(Struct, frozen=True, kw_only=True):
    """An upload; size in bytes, width and height in pixels. `sealed` holds object key and file name."""

    asset_id: str
    account_id: str = ""
    body_hash: str = ""
    sha256: str = ""
    size: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    created_at: datetime = EPOCH
    sealed: bytes = b""
    shard_seq: int = 0


def apply_asset(row: AssetRow | None, event: AnyAssetEvent) -> AssetRow:
    """The upload as registered."""
    if row is not None and is_old(row, event):
        return row
    return AssetRow(
        asset_id=event.asset_id,
        account_id=event.envelope.account_id,
        body_hash=event.body_hash,
        sha256=event.sha256,
        size=event.size,
        content_type=event.content_type,
        width=event.width,
        height=event.height,
        created_at=event.envelope.occurred_at,
        sealed=event.sealed,
        shard_seq=event.stamp.shard_seq,
    )
