"""New connections are shared among workers: none takes them all, and none waits for one that does not serve."""

import asyncio
import contextlib
import multiprocessing
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from proxy.serving.seats import Board, Listener, Seat
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import two_workers

pytestmark = pytest.mark.anyio
CONNECTIONS = 24


class Open(asyncio.Protocol):
    """Keeps its connection among those of its worker."""

    def __init__(self, among: set["Open"]) -> None:
        self._among = among

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._among.add(self)
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")

    def connection_lost(self, exc: Exception | None) -> None:
        self._among.discard(self)


class Room:
    """Workers in one process that listen on one socket."""

    def __init__(self, count: int) -> None:
        self.board = Board(multiprocessing.get_context("spawn"), count)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.open: dict[int, set[Open]] = {}
        self._closing = AsyncExitStack()
        self._closing.callback(self.listening.close)

    async def __aenter__(self) -> "Room":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    def worker(self, number: int) -> Listener:
        """Begins to accept."""
        mine = self.open[number] = set()
        seat = Seat(self.board, number)
        listening = self.listening.dup()
        listener = Listener(listening, seat, lambda: Open(mine), lambda: len(mine))
        listener.start(64)
        self._closing.callback(listening.close)
        self._closing.callback(listener.close)
        return listener

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[None]:
        """A connection that was taken."""
        reader, writer = await asyncio.open_connection(*self.listening.getsockname())
        async with asyncio.timeout(10):
            assert await reader.readexactly(5) == b"hello"
        try:
            yield
        finally:
            writer.close()
            await writer.wait_closed()

    def counts(self) -> list[int]:
        return [len(mine) for mine in self.open.values()]


async def connect(room: Room, count: int, clients: AsyncExitStack) -> None:
    """So many, one after the other."""
    for _ in range(count):
        await clients.enter_async_context(room.client())


async def test_connections_are_dealt_out_evenly() -> None:
    async with Room(3) as room, AsyncExitStack() as clients:
        for number in range(3):
            room.worker(number)
        await connect(room, CONNECTIONS, clients)
        assert max(room.counts()) - min(room.counts()) <= 2, room.counts()


async def test_who_comes_later_gets_the_next_ones() -> None:
    async with Room(2) as room, AsyncExitStack() as clients:
        room.worker(0)
        await connect(room, 6, clients)
        room.worker(1)
        await connect(room, 4, clients)
        assert room.counts()[1] >= 3, room.counts()


async def test_nobody_waits_for_a_worker_that_hangs_or_has_left() -> None:
    async with Room(2) as room, AsyncExitStack() as clients:
        room.board.note(1, 0)
        listener = room.worker(0)
        await connect(room, 4, clients)
        assert room.counts() == [4]
        room.board.leave(1)
        assert room.board.least() == 4
        await connect(room, 2, clients)
        assert room.counts() == [6]
        listener.close()
        listener.close()


@pytest.mark.parametrize("ending", [0, 1])
async def test_who_is_about_to_end_takes_only_what_nobody_else_wants(ending: int) -> None:
    async with Room(2) as room, AsyncExitStack() as clients:
        listeners = [room.worker(number) for number in range(2)]
        listeners[ending].step_back()
        await connect(room, 4, clients)
        assert room.counts()[ending] == 0
        listeners[1 - ending].close()
        await connect(room, 2, clients)
        assert room.counts()[ending] == 2


async def test_a_closed_listener_takes_nothing_and_leaves_its_seat() -> None:
    async with Room(2) as room, AsyncExitStack() as clients:
        first, _ = room.worker(0), room.worker(1)
        first.close()
        await connect(room, 3, clients)
        assert room.counts() == [0, 3]


async def worker_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """The word in a request's id that names who serves this connection."""
    writer.write(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    return head.split("x-request-id: req_")[1][:20]


async def serving_workers(host: str, port: str) -> set[str]:
    """Who serves four connections that are opened together."""
    pairs = await asyncio.gather(*(asyncio.open_connection(host, int(port)) for _ in range(4)))
    found = {await worker_of(reader, writer) for reader, writer in pairs}
    for _, writer in pairs:
        writer.close()
        await writer.wait_closed()
    return found


async def test_two_real_workers_share_the_connections_of_a_burst(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted()) as fake, two_workers(fake, tmp_path) as pair, AsyncExitStack() as open_:
        host, port = pair.origin.removeprefix("http://").split(":")
        async with asyncio.timeout(30):
            while len(await serving_workers(host, port)) < 2:  # the second may begin to listen a moment later
                pass
        pairs = await asyncio.gather(*(asyncio.open_connection(host, int(port)) for _ in range(CONNECTIONS)))
        for _, writer in pairs:
            open_.callback(writer.close)
        served = Counter([await worker_of(reader, writer) for reader, writer in pairs])
        assert min(served.values()) >= CONNECTIONS // 4, served
        assert len(served) == 2, served
