"""A connection over a transport that only notes what it is told."""

import asyncio
from typing import Any

import pytest

from router.upstreams.wire.connection import MOST_BUFFERED_BYTES, Connection, Cut

pytestmark = pytest.mark.anyio
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"


class Wire(asyncio.Transport):
    """What is told is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = 0
        self.resumed = 0
        self.aborted = 0

    def write(self, data: Any) -> None:
        """Goes nowhere."""

    def is_closing(self) -> bool:
        return bool(self.aborted)

    def pause_reading(self) -> None:
        self.paused += 1

    def resume_reading(self) -> None:
        self.resumed += 1

    def abort(self) -> None:
        self.aborted += 1


def connection_on(wire: Wire) -> Connection:
    connection = Connection(asyncio.get_running_loop())
    connection.connection_made(wire)
    return connection


async def test_a_stream_that_nobody_reads_is_not_read_from_the_socket_either() -> None:
    wire = Wire()
    connection = connection_on(wire)
    asking = asyncio.create_task(connection.head(b"", 2**62, 60.0))
    await asyncio.sleep(0)
    connection.data_received(HEAD)
    await asking
    connection.data_received(b"x" * MOST_BUFFERED_BYTES)
    assert wire.paused == 0
    connection.data_received(b"x")
    connection.data_received(b"x")
    assert (wire.paused, wire.resumed) == (1, 0)
    assert len(await connection.piece()) == MOST_BUFFERED_BYTES + 2
    assert (wire.paused, wire.resumed) == (1, 1)
    connection.close()


async def test_words_that_nobody_asked_for_end_a_connection() -> None:
    wire = Wire()
    connection = connection_on(wire)
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert wire.aborted
    assert not connection.can_serve_again
    with pytest.raises(Cut):
        await connection.whole(b"", 10, 1.0)
