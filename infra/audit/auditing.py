"""The audit of the log of a running system."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.audit.auditor import Auditor, Result, Span
from infra.audit.events import ONLY, Shard
from infra.audit.kept import check_kept, read_kept
from infra.audit.keys import known_keys
from infra.audit.reading import Moved, ledger, read_checkpoints, unseen
from infra.registry import learn_schema_blocking, load_codec
from infra.settings import Settings
from schemas.errors import ConfigurationError
from schemas.serde import UnknownSchemaError

_GENERATIONS = (50_000, 20, 20)  # records make no cycles; looking for them after every 700 takes a tenth of the time


async def audit_log(
    settings: Settings,
    span: Span,
    key_files: Sequence[Path] = (),
    kept_files: Sequence[Path] = (),
    moved: Moved = unseen,
    shard: Shard = ONLY,
) -> Result:
    """Read and judge everything of a shard that is committed by now; `kept_files` hold checkpoints that must be on the log.

    Raises `ConfigurationError` when there are checkpoints and no key to check them with, `InfrastructureError` when Kafka or
    the registry is away.
    """
    codec, keys = await load_codec(settings), known_keys(settings, key_files)
    kept = [one for path in kept_files for one in read_kept(path) if one.shard == shard.number]
    checkpoints = await read_checkpoints(settings, shard.number)
    if checkpoints and not keys:
        raise ConfigurationError("the log has signed checkpoints; name the public key with --public-key FILE")

    def learn(unknown: UnknownSchemaError) -> None:
        learn_schema_blocking(codec, settings, unknown)

    async with ledger(settings, since=span.since, until=span.until, shard=shard.number) as reader:
        auditor = Auditor(codec, reader.bounds, checkpoints, keys, span=span, learn=learn, shard=shard)
        check_kept(kept, auditor.signed, auditor.found)
        with rare_collections():
            await reader.feed(auditor, moved)
    return auditor.finish()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Python looks for cycles less often while the block runs."""
    before = gc.get_threshold()
    gc.set_threshold(*_GENERATIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
