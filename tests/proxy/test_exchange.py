"""A pulse speaks while a stream is silent, is quiet while it is not, and leaves nothing behind."""

import asyncio
from typing import Any

import pytest

from proxy.exchange import Exchange

pytestmark = pytest.mark.anyio
SILENCE_SECONDS = 0.02


class Wire:
    """Where an exchange writes; `heard` is set by every comment."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.heard = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.pieces.append(message["body"])
        if message["body"] == b": alive\n\n":
            self.heard.set()


async def nothing() -> Any:
    await asyncio.Event().wait()


def exchange_on(wire: Wire) -> Exchange:
    return Exchange({"type": "http", "method": "POST", "path": "/", "headers": []}, nothing, wire.send, "req_1")


async def test_a_silent_stream_is_kept_alive_again_and_again_until_it_ends() -> None:
    wire, before = Wire(), asyncio.all_tasks()
    async with exchange_on(wire).pulse(b": alive\n\n", SILENCE_SECONDS):
        await hear(wire, 3)
    assert len(wire.pieces) >= 3
    assert asyncio.all_tasks() == before


async def hear(wire: Wire, times: int) -> None:
    for _ in range(times):
        wire.heard.clear()
        async with asyncio.timeout(5):
            await wire.heard.wait()


@pytest.mark.parametrize("last", [b"data: [DONE]\n\n", b"data: [DONE]\r\n\r\n"])
async def test_nothing_is_said_after_the_last_event_while_the_request_is_settled(last: bytes) -> None:
    done, other = Wire(), Wire()
    exchange = exchange_on(done)
    async with exchange.pulse(b": alive\n\n", SILENCE_SECONDS):
        await exchange.write(last)
        async with exchange_on(other).pulse(b": alive\n\n", SILENCE_SECONDS):
            await hear(other, 3)
    assert done.pieces == [last]


async def test_a_stream_that_speaks_hears_no_pulse() -> None:
    wire = Wire()
    exchange = exchange_on(wire)
    async with exchange.pulse(b": alive\n\n", 3600.0):
        await exchange.write(b"data: 1\n\n")
    assert wire.pieces == [b"data: 1\n\n"]
