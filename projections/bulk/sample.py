"""Which rows a comparison by sample looks at: whole aggregates, chosen by a hash that PostgreSQL and the fold compute alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from msgspec import Struct

from projections.table import SCHEMA, Connection
from projections.tables import FED_BY, TABLES
from schemas.envelope import LedgerRecord
from schemas.topics import TOPIC_OF


class Share(Struct, frozen=True, kw_only=True):
    """Aggregates whose hash leaves `rest` when divided by `parts`; one part is all of them."""

    parts: int = 1
    rest: int = 0

    def holds(self, key: str) -> bool:
        """Whether the aggregate of this id is in the share."""
        return hash_of(key) % self.parts == self.rest % self.parts

    def where(self, column: str) -> str:
        """The same as a condition of SQL."""
        return f"('x' || left(md5({column}), 8))::bit(32)::bigint % {self.parts} = {self.rest % self.parts}"


Shares = Mapping[str, Share]
"""By topic; a topic without one is looked at whole."""
WHOLE = Share()


def hash_of(key: str) -> int:
    """The first 32 bits of the MD5 of an id."""
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest()[:4], "big")


def in_sample(shares: Shares, event: LedgerRecord) -> bool:
    """Whether the event belongs to an aggregate that is looked at."""
    topic = TOPIC_OF[type(event)].name
    share = shares.get(topic, WHOLE)
    return share.parts == 1 or share.holds(_aggregate(event, aggregate_column(topic)))


def aggregate_column(topic: str) -> str:
    """The column that all tables of a topic begin their keys with: the id of the aggregate."""
    return TABLES[FED_BY[topic][0]].key[0]


def _aggregate(event: LedgerRecord, column: str) -> str:
    return event.envelope.account_id if column == "account_id" else str(getattr(event, column))


async def choose(connection: Connection, size: int, rest: int) -> dict[str, Share]:
    """For each topic the share, numbered `rest`, that has about `size` of the aggregates there are."""
    shares = {}
    for topic, tables in FED_BY.items():
        column = aggregate_column(topic)
        count = await connection.fetchval(f"SELECT count(DISTINCT {column}) FROM {SCHEMA}.{tables[0]}")  # noqa: S608
        shares[topic] = Share(parts=max(1, count // size), rest=rest)
    return shares
