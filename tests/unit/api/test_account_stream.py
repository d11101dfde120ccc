from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.exceptions import WebSocketDisconnect
from litestar.types import HTTPReceiveMessage, Message, Receive, Scope, Send

from api.live.account_frames import as_json, as_sse
from api.live.account_stream import Ended, KeepAlive, Opened, StreamItem, account_stream
from api.live.decisions import DecisionBoard
from api.live.feed import Feed
from api.live.hub import Hub
from api.live.overlay import Overlay
from api.live.pace import paced
from api.metrics import Metrics
from api.reads import Reads
from projections.folds.task_events import TaskEventRow
from schemas.envelope import Envelope
from schemas.render import StageProgressed
from schemas.tasks import AnyTaskEvent, TaskQueued
from tests.unit.api.helpers import ME, OTHER, finished_task
from tests.unit.api.support import Edge, MemoryLog, MemoryReadModel, stamped

STEPS = ("happen", "happen", "read", "read", "read", "cut", "missed", "lag", "catch up", "gap")


class World:
    """Events of an account on the log, a read model that may lag behind it, a hub with room for three frames a client."""

    def __init__(self) -> None:
        self.model, self.log, self.hub = MemoryReadModel(), MemoryLog(), Hub(size=3)
        self.feed = Feed(DecisionBoard(), Overlay(), self.hub, Metrics())
        self.reads = Reads(self.log, Overlay(), self.model, 1)
        self.unstored: list[AnyTaskEvent] = []
        self.lags = False

    def happen(self, *, heard: bool = True) -> None:
        """One more event; not `heard`, it passes the hub by."""
        self.log.last += 1
        event = stamped(TaskQueued(task_id=f"t{self.log.last}"), ME, 1, self.log.last)
        self.unstored.append(event)
        if not self.lags:
            self.catch_up()
        if heard:
            self.feed.on_record(event)

    def catch_up(self) -> None:
        for event in self.unstored:
            self.model.apply(event)
            self.model.stored += 1
        self.unstored.clear()


class Client:
    """Reads item by item, comes back after the last id it knows, and notes every event it was given."""

    def __init__(self, world: World, after: int | None) -> None:
        self.world, self.last, self.seen = world, after, list[int]()
        self.begin: int | None = after
        self._stream: AsyncGenerator[StreamItem, None] | None = None

    async def read(self) -> StreamItem:
        if self._stream is None:
            world = self.world
            self._stream = account_stream(world.hub, world.reads, ME, self.last, keep_alive_s=0.001, page=2)
        item = await anext(self._stream)
        match item:
            case Opened():
                self.last = item.last_event_id
                self.begin = item.last_event_id if self.begin is None else self.begin
            case TaskEventRow():
                self.last = item.account_seq
                self.seen.append(item.account_seq)
            case Ended():
                assert item.last_event_id == self.last
                await self.cut()
            case _:
                assert isinstance(item, KeepAlive)
        return item

    async def cut(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()
        self._stream = None


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=20, max_size=80), st.integers(0, 4), st.booleans())
async def test_whatever_breaks_every_event_is_told_once_and_in_order(
    steps: list[str], before: int, from_start: bool
) -> None:
    world = World()
    for _ in range(before):
        world.happen()
    client = Client(world, 0 if from_start else None)
    for step in steps:
        match step:
            case "happen":
                world.happen()
            case "missed":
                world.happen(heard=False)
            case "read":
                await client.read()
            case "cut":
                await client.cut()
            case "lag":
                world.lags = True
            case "gap":
                world.feed.on_gap()
            case _:
                world.lags = False
                world.catch_up()
    world.lags = False
    world.catch_up()
    await client.cut()
    while client.last != world.log.last:
        await client.read()
    assert client.begin is not None
    assert client.seen == list(range(client.begin + 1, world.log.last + 1))
    await client.cut()
    assert len(world.hub) == 0


async def test_a_client_that_does_not_read_is_ended_with_a_reason_and_little_memory() -> None:
    world = World()
    stream = account_stream(world.hub, world.reads, ME, None, keep_alive_s=0.001)
    assert await anext(stream) == Opened(0)
    assert await anext(stream) == KeepAlive()
    for _ in range(1000):
        world.happen()
    *kept, last = [item async for item in stream]
    assert [item.account_seq for item in kept if isinstance(item, TaskEventRow)] == [1, 2, 3]
    assert last == Ended(3, "slow")


async def test_a_stop_of_the_process_ends_streams_and_says_so() -> None:
    world = World()
    stream = account_stream(world.hub, world.reads, ME, 0, keep_alive_s=30)
    assert await anext(stream) == Opened(0)
    world.hub.close()
    assert [item async for item in stream] == [Ended(0, "shutdown")]


async def test_progress_of_other_accounts_is_never_shown() -> None:
    world = World()
    stream = account_stream(world.hub, world.reads, ME, None, keep_alive_s=30)
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    while not len(world.hub):
        await asyncio.sleep(0)
    for account_id, percent in ((OTHER, 10.0), (ME, 20.0)):
        world.hub.publish(StageProgressed(task_id="t", percent=percent, envelope=Envelope(account_id=account_id)))
    shown = await waiting
    assert isinstance(shown, StageProgressed)
    assert shown.percent == 20.0
    assert b"id:" not in as_sse(shown)
    assert as_json(shown).startswith(b'{"event":"progress"')
    await stream.aclose()


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.ensure_future(send({"type": "http.response.body", "body": b"x", "more_body": True}))
        assert (await receive())["type"] == "http.disconnect"
        writing.cancel()

    async def never() -> HTTPReceiveMessage:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def full(_: Message) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        await paced(app, send_timeout=0.01)({}, never, full)  # type: ignore[arg-type]


def test_ids_that_were_never_issued_are_refused(edge: Edge) -> None:
    finished_task(edge)
    with edge.client(ME) as client:
        for text in ("6", "-1", "x", "9" * 30):
            answer = client.get("/api/v1/stream", headers={"Last-Event-ID": text})
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["field"] == "Last-Event-ID"
        edge.log.alive = False
        assert client.get("/api/v1/stream", headers={"Last-Event-ID": "6"}).status_code == 503
    with edge.client() as client:
        assert client.get("/api/v1/stream").status_code == 401


def test_a_socket_tells_history_and_the_present(edge: Edge) -> None:
    finished_task(edge)
    with edge.client(ME) as client, client.websocket_connect("/api/v1/stream?last_event_id=3") as socket:
        assert socket.receive_json() == {"event": "stream.opened", "last_event_id": 3}
        assert [socket.receive_json()["id"] for _ in range(2)] == [4, 5]
        client.blocking_portal.call(edge.hub.close)
        assert socket.receive_json() == {"event": "resume", "last_event_id": 5, "reason": "shutdown"}
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1012


def test_a_browser_names_itself_in_its_first_message(edge: Edge) -> None:
    finished_task(edge)
    with edge.client() as client, client.websocket_connect("/api/v1/stream") as socket:
        socket.send_json({"authorization": f"Bearer {edge.key(ME)}", "last_event_id": 4})
        assert socket.receive_json()["event"] == "stream.opened"
        assert socket.receive_json()["event"] == "task.completed"


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"authorization": "Bearer nonsense"}, 4401),
        ({"authorization": ""}, 4401),
        ({"last_event_id": 1}, 4400),
        ([], 4400),
        ("MINE", 4400),
    ],
)
def test_a_socket_is_refused_in_words_and_by_code(edge: Edge, hello: object, code: int) -> None:
    with edge.client() as client, client.websocket_connect("/api/v1/stream") as socket:
        mine = {"authorization": f"Bearer {edge.key(ME)}", "last_event_id": 99}
        socket.send_json(mine if hello == "MINE" else hello)
        said = socket.receive_json()
        assert (said["event"], said["status"]) == ("error", code - 4000)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == code


def test_a_key_in_the_url_opens_nothing(edge: Edge) -> None:
    with edge.client() as client, client.websocket_connect(f"/api/v1/stream?key={edge.key(ME)}") as socket:
        socket.send_json({"authorization": ""})
        assert socket.receive_json()["code"] == "unauthenticated"
