"""The ledger against its signed checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.audit.events import Event, Findings, Place, Raw
from infra.audit.merkle import Tree
from infra.audit.notes import SOURCE, Content, Keys, trouble
from infra.audit.records import differences, expected_headers
from schemas.checkpoints import CheckpointSigned
from schemas.errors import ContractError
from schemas.serde import HEADER, Codec, encode_body, fingerprint
from schemas.topics import BY_NAME, TopicSpec

Signed = tuple[Raw, CheckpointSigned]


def is_kept(topic: TopicSpec) -> bool:
    """Whether the topic keeps every record for ever."""
    return topic.retention_ms is None and not topic.compact


class Covering:
    """Gathers consecutive events into what a checkpoint says of them."""

    def __init__(self, first_shard_seq: int) -> None:
        self.first = first_shard_seq
        self.number = first_shard_seq - 1
        self.head = b""
        self.lacking = 0  # records whose hash nobody knows
        self._all, self._kept = Tree(), Tree()

    def add(self, event: Event) -> None:
        """The next event that is still there. A single lost one before it is known by its hash, `prev_hash`."""
        self.lose_until(event.shard_seq, event.record.stamp.prev_hash)
        self._all.append(event.digest)
        if is_kept(event.topic):
            self._kept.append(event.digest)
        self.number, self.head = event.shard_seq, event.digest

    def lose_until(self, shard_seq: int, prev_hash: bytes) -> None:
        """The records before `shard_seq` that did not come are lost, but for the hash of the last of them."""
        if shard_seq <= self.number + 1:
            return
        self.lacking += shard_seq - self.number - 2
        self._all.append(prev_hash)
        self.number, self.head = shard_seq - 1, prev_hash

    def content(self) -> Content:
        """What is covered so far."""
        return Content(
            first_shard_seq=self.first,
            last_shard_seq=self.number,
            head_hash=self.head,
            root=self._all.root(),
            kept_events=self._kept.size,
            kept_root=self._kept.root(),
        )


def read_signed(raws: Sequence[Raw], codec: Codec, keys: Keys, found: Findings, shard: int = 0) -> list[Signed]:
    """The checkpoints that can be believed, in order; what is wrong with any becomes a finding."""
    good: list[Signed] = []
    for raw in raws:
        try:
            checkpoint = codec.decode_as(raw.value, CheckpointSigned)
        except ContractError as error:
            found.about(raw, "checkpoint", str(error))
            continue
        wrong = trouble(checkpoint, good[-1][1] if good else None, keys) or outside(raw, checkpoint, codec, shard)
        if wrong is None:
            good.append((raw, checkpoint))
        else:
            found.about(raw, "checkpoint", wrong)
    return good


def outside(raw: Raw, checkpoint: CheckpointSigned, codec: Codec, shard: int) -> str | None:
    """What is wrong with bytes, key, headers and place of a checkpoint whose content is right."""
    written_with = codec.written_with(raw.value or b"")
    wanted = expected_headers(codec, checkpoint, SOURCE, written_with)
    if checkpoint.shard != shard or raw.partition != shard:
        return f"it is about shard {checkpoint.shard} and lies in partition {raw.partition}"
    if raw.key != str(shard).encode():
        return f"the key is not the shard {shard}"
    if list(raw.headers) != wanted:
        return differences(raw, wanted)
    same_schema = written_with == fingerprint(CheckpointSigned)
    if same_schema and encode_body(checkpoint) != (raw.value or b"")[HEADER.size :]:
        return "its bytes are not those of its content"
    return None


class Seals:
    """Recomputes what the checkpoints say, event by event. `partial`: the first event may lie in the midst of one."""

    def __init__(self, found: Findings, signed: Sequence[Signed], *, partial: bool = False) -> None:
        self._anywhere = partial
        self.confirmed = 0  # checkpoints whose records are all as they were
        self.kept_only = 0  # of these, how many whose other records have expired
        self._found = found
        self._signed = signed
        self._partial = partial
        self._next = 0
        self._covering: Covering | None = None

    @property
    def end(self) -> int:
        """The last record under a signature, 0 if there is none."""
        return self._signed[-1][1].last_shard_seq if self._signed else 0

    def fold(self, event: Event) -> None:
        """Take the next event, in order of `shard_seq`."""
        if self._partial:
            self._skip(event.shard_seq)
        while (checkpoint := self._now()) is not None and checkpoint.last_shard_seq < event.shard_seq:
            covering = self._cover(checkpoint)
            if event.shard_seq == checkpoint.last_shard_seq + 1:
                covering.lose_until(event.shard_seq, event.record.stamp.prev_hash)
            self._judge(checkpoint, covering)
        if checkpoint is None or event.shard_seq < checkpoint.first_shard_seq:
            return
        covering = self._cover(checkpoint)
        covering.add(event)
        if event.shard_seq == checkpoint.last_shard_seq:
            self._judge(checkpoint, covering)

    def finish(self, begins: Mapping[Place, int], partitions: Mapping[Place, int]) -> None:
        """There are no more events. `partitions` are the last numbers of each: none may end before a signature says."""
        if self._partial:
            return  # nothing was read
        while (checkpoint := self._now()) is not None:
            self._judge(checkpoint, self._cover(checkpoint))
        if self._signed:
            self._tails(self._signed[-1], begins, partitions)

    def _tails(self, last: Signed, begins: Mapping[Place, int], partitions: Mapping[Place, int]) -> None:
        raw, checkpoint = last
        for head in checkpoint.partitions:
            place = (head.topic, head.partition)
            seen = partitions.get(place)
            gone = seen is None and (self._anywhere or (not is_kept(BY_NAME[head.topic]) and begins.get(place, 0) > 0))
            if (seen or 0) >= head.partition_seq or gone:
                continue
            missing = head.partition_seq - (seen or 0)
            text = f"{missing} missing at the end: checkpoint {checkpoint.number} ({raw}) has partition_seq {head.partition_seq}"
            self._found.at(place, head.offset - 1, "tail", text)

    def _now(self) -> CheckpointSigned | None:
        return self._signed[self._next][1] if self._next < len(self._signed) else None

    def _skip(self, shard_seq: int) -> None:
        """Leave out the checkpoints that began before the first event that was read."""
        self._partial = False
        while (checkpoint := self._now()) is not None and checkpoint.first_shard_seq < shard_seq:
            self._next += 1

    def _cover(self, checkpoint: CheckpointSigned) -> Covering:
        if self._covering is None:
            self._covering = Covering(checkpoint.first_shard_seq)
        return self._covering

    def _judge(self, checkpoint: CheckpointSigned, covering: Covering) -> None:
        raw, said, is_now = self._signed[self._next][0], content_of(checkpoint), covering.content()
        whole = covering.lacking == 0 and covering.number == checkpoint.last_shard_seq
        which = f"shard_seq {said.first_shard_seq} to {said.last_shard_seq}"
        if is_now.kept_events != said.kept_events:
            text = f"of {which} it signs {said.kept_events} records of topics kept for ever, there are {is_now.kept_events}"
            self._found.about(raw, "root", text)
        elif is_now.kept_root != said.kept_root or (whole and is_now != said):
            self._found.about(raw, "root", f"{which} are not the records that it signs: they were changed afterwards")
        else:
            self.confirmed += 1
            self.kept_only += not whole
        self._next += 1
        self._covering = None


def content_of(checkpoint: CheckpointSigned) -> Content:
    """What the checkpoint says of the ledger."""
    return Content(**{name: getattr(checkpoint, name) for name in Content.__struct_fields__})
