"""Who decides: the member of the consumer group `coordinator` that holds the shard's partition of `requests`.

The group only chooses; what keeps two from deciding at once is the transactional id, which the newcomer fences.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from aiokafka.errors import ConsumerStoppedError
from msgspec import Struct

from infra.kafka import create_consumer, stop_consumer
from infra.settings import Settings
from schemas.topics import REQUESTS
from streams.neighbours import identity

log = logging.getLogger(__name__)
GROUP = "coordinator"
LEAVE_TIMEOUT = 3.0
_NEVER_MS = 2**31  # 24 days: a standby reads nothing of the group's and must not count as stuck
_POLL_MS = 1_000
_RANK = struct.Struct(">qqq")


class Rank(Struct, frozen=True, order=True):
    """How much a member deserves the partition; the highest gets it.

    Who decides has the id and epoch of its producer: of two that believe they decide the fenced one has the lower.
    `warmth` is 0 while folding and 2 when warm, one more when the partition is there already.
    """

    producer_id: int = -1
    producer_epoch: int = -1
    warmth: int = 0


class Membership:
    """One member. `holds` is None until the group answered for the first time.

    The owner sets `warm` when the log is folded, and `producer` to id and epoch once it decides.
    """

    def __init__(self, settings: Settings, shard: int) -> None:
        self.holds: bool | None = None
        self.warm = False
        self.producer = (-1, -1)
        self._place = TopicPartition(REQUESTS.name, shard)
        self._changed = asyncio.Event()
        self._consumer: AIOKafkaConsumer = create_consumer(
            settings.kafka,
            group_id=GROUP,
            client_id=identity(),
            session_timeout_ms=int(1000 * settings.coordinator_session),
            heartbeat_interval_ms=int(1000 * settings.coordinator_heartbeat),
            rebalance_timeout_ms=int(1000 * settings.coordinator_session),
            max_poll_interval_ms=_NEVER_MS,
            auto_offset_reset="latest",
            partition_assignment_strategy=(_BestFirst(self),),
        )
        self._left = False

    async def join(self) -> None:
        """Ask for membership; the answer comes later. Raises `KafkaError` when no broker answers."""
        await self._consumer.start()
        self._consumer.subscribe([REQUESTS.name], listener=_Listener(self))

    async def keep(self) -> None:
        """Run beside the work until the member leaves. Raises `KafkaError` for what ends the membership otherwise."""
        while not self._left:
            try:
                await self._consumer.getmany(timeout_ms=_POLL_MS)
            except ConsumerStoppedError:
                if not self._left:
                    raise

    @property
    def rank(self) -> Rank:
        """Told to the group whenever it forms anew."""
        return Rank(*self.producer, 2 * self.warm + bool(self.holds))

    async def answered(self) -> None:
        """Wait until the group said whether the partition is here."""
        await self._until(lambda: self.holds is not None)

    async def given(self) -> None:
        """Wait until the partition is here."""
        await self._until(lambda: self.holds is True)

    async def taken(self) -> None:
        """Wait until the partition is elsewhere."""
        await self._until(lambda: self.holds is False)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def leave(self) -> None:
        """Leave at once, so that another member takes over without waiting for the session to end."""
        if self._left:
            return
        self._left = True
        try:
            await asyncio.wait_for(stop_consumer(self._consumer), LEAVE_TIMEOUT)
        except TimeoutError:
            log.warning("leaving the group took more than %s s; the session will end by itself", LEAVE_TIMEOUT)

    def _assigned(self, partitions: Iterable[TopicPartition]) -> None:
        held = self._place in set(partitions)
        if held:
            self._consumer.pause(self._place)  # requests are read elsewhere
        self.holds = held
        self._changed.set()


@asynccontextmanager
async def joined(settings: Settings, shard: int) -> AsyncIterator[Membership]:
    """A member of the group for the time of the block."""
    member = Membership(settings, shard)
    try:
        await member.join()
        yield member
    finally:
        await member.leave()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, member: Membership) -> None:
        self._member = member

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """A rebalance begins. Only its end tells whether anything is lost."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._member._assigned(assigned)  # noqa: SLF001


class _BestFirst:
    """Gives every partition to the member of the highest rank: the one that decides stays, a warm one goes before a cold."""

    name = "best-first"

    def __init__(self, member: Membership) -> None:
        self._member = member

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(0, list(topics), packed(self._member.rank))

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        best = best_of({member: metadata.user_data for member, metadata in members.items()})
        partitions = sorted(cluster.partitions_for_topic(REQUESTS.name) or ())
        return {
            member: ConsumerProtocolMemberAssignment(0, [(REQUESTS.name, partitions if member == best else [])], b"")
            for member in members
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing to keep: the listener is told."""


def packed(rank: Rank) -> bytes:
    """A rank as the group carries it."""
    return _RANK.pack(rank.producer_id, rank.producer_epoch, rank.warmth)


def best_of(ranks: Mapping[str, bytes]) -> str:
    """The member with the highest packed rank; among equals the one whose id comes first."""
    return min(ranks, key=lambda member: ([-part for part in _RANK.unpack(ranks[member])], member))
