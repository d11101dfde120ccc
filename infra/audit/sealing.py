"""Making checkpoints: the ledger is followed from the last one, and only what is in order is signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.audit.chain import Start
from infra.audit.events import ONLY, Event, Place, Shard
from infra.audit.following import Bounds, Following
from infra.audit.notes import envelope_of, previous_of, sign
from infra.audit.records import Learn, refuse
from infra.audit.seals import Covering
from schemas.checkpoints import CheckpointSigned
from schemas.errors import ContractError
from schemas.serde import Codec
from schemas.snapshots import PartitionHead

_TICK = timedelta(microseconds=1)


class Sealer(Following):
    """Gathers what follows a checkpoint (None: everything). `seal` may be called whenever nothing is left to `advance`.

    `whole`: it is given the ledger from its beginning, since the offsets in the checkpoint are those of another cluster.
    """

    def __init__(
        self,
        codec: Codec,
        bounds: Mapping[Place, Bounds],
        last: CheckpointSigned | None,
        learn: Learn = refuse,
        *,
        whole: bool = False,
        shard: Shard = ONLY,
    ) -> None:
        super().__init__(codec, bounds, start_after(None if whole else last), learn, shard)
        self._shard = shard.number
        self._last = last
        self._signed = last.last_shard_seq if last else 0
        self._covering = Covering(self._signed + 1)

    def _fold(self, event: Event) -> None:
        if event.shard_seq > self._signed:
            self._covering.add(event)
        elif self._last is not None and event.shard_seq == self._signed and event.digest != self._last.head_hash:
            self.found.about(event, "root", f"it is not the record that checkpoint {self._last.number} signs")

    def seal(self, key: Ed25519PrivateKey, now: datetime) -> CheckpointSigned | None:
        """The next checkpoint, None when nothing is new. Raises `ContractError` if the ledger is not in order."""
        if self.found.kept:
            raise ContractError(f"nothing is signed, the ledger is not in order: {self.found.kept[0]}")
        content = self._covering.content()
        if content.last_shard_seq < content.first_shard_seq:
            return None
        number = self._last.number + 1 if self._last else 1
        time = max(now, self._last.envelope.occurred_at + _TICK) if self._last else now
        checkpoint = CheckpointSigned(
            envelope=envelope_of(self._shard, number, content.last_shard_seq, time),
            shard=self._shard,
            number=number,
            first_shard_seq=content.first_shard_seq,
            last_shard_seq=content.last_shard_seq,
            head_hash=content.head_hash,
            root=content.root,
            kept_events=content.kept_events,
            kept_root=content.kept_root,
            partitions=self._heads(),
            previous=previous_of(self._last),
        )
        self._last = sign(checkpoint, key)
        self._covering = Covering(content.last_shard_seq + 1)
        return self._last

    def _heads(self) -> list[PartitionHead]:
        places = sorted(self.chain.partitions.items())
        return [
            PartitionHead(
                topic=topic, partition=partition, partition_seq=number, offset=self.chain.offsets[topic, partition]
            )
            for (topic, partition), number in places
        ]


def start_after(last: CheckpointSigned | None) -> Start:
    """Where the ledger goes on after a checkpoint."""
    if last is None:
        return Start()
    places = {(head.topic, head.partition): (head.partition_seq, head.offset) for head in last.partitions}
    return Start(number=last.last_shard_seq, head=last.head_hash, partitions=places)
