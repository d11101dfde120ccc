"""What operators did, as the log tells it."""

from __future__ import annotations

from infra.registry import load_codec
from infra.settings import Settings
from infra.whole_log import WholeLog
from schemas.acts import OperatorActed
from schemas.topics import OPERATOR_ACTS


async def acts_of(settings: Settings, act: str) -> list[OperatorActed]:
    """All acts of that name, the oldest first."""
    log = WholeLog(settings, await load_codec(settings), [OPERATOR_ACTS])
    records = [record async for record in log.catch_up()]
    return [record for record in records if isinstance(record, OperatorActed) and record.act == act]
