"""The only decider. One process decides, others stand by warm: they fold what it writes and take over when it is gone."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Awaitable
from datetime import timedelta

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from msgspec import Struct

from infra.kafka import assigned, create_producer
from infra.ready import mark_ready
from infra.registry import load_codec
from infra.settings import Settings
from schemas.errors import InfrastructureError
from schemas.serde import Codec
from schemas.topics import HEARTBEATS
from streams.domain.policy import Policy
from streams.loop import POLL_MS, Loop
from streams.membership import GROUP, Membership, joined
from streams.neighbours import evict_dead
from streams.recovery import Recovered, input_positions
from streams.snapshots.keeper import Keeper
from streams.snapshots.marks import newest_mark, settled
from streams.snapshots.shelf import Shelf, shelf_of
from streams.standby import Follower, following

log = logging.getLogger(__name__)
REJOIN_PAUSE = 2.0  # seconds before another try after an infrastructure error or a loss of the partition
STOP_TIMEOUT = 5.0
LEAVE_TIMEOUT = 1.2  # seconds for a last snapshot: supervisors kill what takes much longer to stop
AWAY = (KafkaError, InfrastructureError, OSError)


class SupersededError(Exception):
    """The group gave the partition to another coordinator."""


class Setup(Struct, frozen=True):
    """What stays the same through all lives of the process."""

    settings: Settings
    codec: Codec
    policy: Policy
    shard: int


def policy_of(settings: Settings) -> Policy:
    """The rules' numbers as configured."""
    return Policy(
        retry_wait=timedelta(seconds=settings.retry_wait),
        acquire_timeout=timedelta(seconds=settings.acquire_timeout),
        slots=settings.device_slots,
        affinity_wait=timedelta(seconds=settings.affinity_wait),
        cached_charge=settings.cached_charge,
    )


async def run(settings: Settings, stop: asyncio.Event, shard: int = 0) -> None:
    """Stand by or decide until `stop`. Errors of the infrastructure and the loss of the shard start over as a standby.

    Raises `ContractError` when the log cannot be gone on with.
    """
    setup = Setup(settings, await load_codec(settings), policy_of(settings), shard)
    while not stop.is_set():
        try:
            await _unless(stop, _life(setup))
        except (ProducerFenced, SupersededError) as error:
            log.warning("another coordinator took over shard %d (%r): state is dropped, standby follows", shard, error)
        except AWAY as error:
            log.warning("session lost (%r); state is dropped and recovered in %s s", error, REJOIN_PAUSE)
        await _unless(stop, asyncio.sleep(REJOIN_PAUSE))
    log.info("the coordinator of shard %d stopped", shard)


async def _unless(stop: asyncio.Event, work: Awaitable[None]) -> None:
    """Do `work`, but cancel it and return once it ended when `stop` comes first. Raises what `work` raises."""
    task, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


async def _life(setup: Setup) -> None:
    """From joining the group to the end of the membership."""
    try:
        async with joined(setup.settings, setup.shard) as member, asyncio.TaskGroup() as tasks:
            tasks.create_task(member.keep())
            tasks.create_task(evict_dead(setup.settings.kafka, GROUP))
            tasks.create_task(_serve(setup, member))
    except ExceptionGroup as errors:
        raise _telling(errors) from errors


def _telling(errors: ExceptionGroup[Exception]) -> Exception:
    """The one error that decides what happens next: an unexpected one, then being replaced, then the infrastructure."""
    rest = errors.split((*AWAY, SupersededError))[1]
    error: Exception = rest or errors.subgroup((ProducerFenced, SupersededError)) or errors
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def _serve(setup: Setup, member: Membership) -> None:
    shelf = await shelf_of(setup.settings, setup.shard)
    async with following(setup.settings, setup.codec, setup.policy, setup.shard) as follower:
        saved = await shelf.load(await newest_mark(setup.settings, setup.codec, setup.shard))
        await follower.begin(saved or Recovered.empty(setup.shard))
        await follower.warm_up()
        gc.freeze()  # the state lives long: the cycle collector need not look at it again and again
        member.warm = True
        await _stand_by(setup, member, follower)
        await _take_over(setup, member, follower, shelf)


async def _stand_by(setup: Setup, member: Membership, follower: Follower) -> None:
    """Follow the log until the group gives the partition to this member."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(follower.follow())
        await member.answered()
        if not member.holds:
            log.info("standby of shard %d: warm", setup.shard)
            mark_ready(os.environ)
        await member.given()
        task.cancel()


async def _take_over(setup: Setup, member: Membership, follower: Follower, shelf: Shelf) -> None:
    """Fence whoever decided before, fold what it wrote, and decide until the partition goes elsewhere."""
    producer = create_producer(setup.settings.kafka, f"coordinator-{setup.shard}", transaction_timeout_ms=15_000)
    try:
        await producer.start()
        member.producer = _id_of(producer)
        mark = await newest_mark(setup.settings, setup.codec, setup.shard)
        found = settled(await follower.finish(), mark, *await follower.bounds())
        loop = Loop(setup.settings, setup.codec, setup.policy, producer, found)
        keeper = Keeper(loop, shelf, setup.settings, setup.codec, mark)
        try:
            await _decide(setup, member, loop, keeper)
        except asyncio.CancelledError:
            await _leave(keeper)
            raise
    finally:
        await _close(producer)


async def _leave(keeper: Keeper) -> None:
    """What is worth keeping when the process is told to stop; whoever took over already has fenced it."""
    try:
        await asyncio.wait_for(keeper.leave(), LEAVE_TIMEOUT)
    except (TimeoutError, *AWAY) as error:
        log.info("neither snapshot nor mark at the end: %r", error)


async def _decide(setup: Setup, member: Membership, loop: Loop, keeper: Keeper) -> None:
    inputs = await input_positions(setup.settings, loop.found.heads)
    beats: dict[TopicPartition, int | None] = {TopicPartition(HEARTBEATS.name, setup.shard): None}
    async with (
        assigned(setup.settings.kafka, {**inputs}) as consumer,
        assigned(setup.settings.kafka, beats, fetch_max_wait_ms=POLL_MS) as heartbeats,
    ):
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(loop.watch(heartbeats))
                tasks.create_task(loop.decide_all(consumer))
                tasks.create_task(keeper.keep())
                tasks.create_task(_until_superseded(member))
                log.info("active: deciding for shard %d from shard_seq %d on", setup.shard, loop.found.heads.shard_seq)
                mark_ready(os.environ)
        finally:
            await member.leave()  # first of all: another one may begin


async def _until_superseded(member: Membership) -> None:
    await member.taken()
    raise SupersededError


def _id_of(producer: AIOKafkaProducer) -> tuple[int, int]:
    manager = producer._txn_manager  # noqa: SLF001 - the id and epoch that fencing goes by
    return manager.producer_id, manager.producer_epoch


async def _close(producer: AIOKafkaProducer) -> None:
    """Never hides why the session ended. What is left open is fenced and aborted by the next start."""
    try:
        await asyncio.wait_for(producer.stop(), STOP_TIMEOUT)
    except (KafkaError, OSError) as error:
        log.warning("the producer did not close cleanly: %r", error)
