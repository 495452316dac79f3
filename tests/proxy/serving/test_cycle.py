"""Our server's own language says what ASGI would: the same head, the same body, the same end of the connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from proxy.exchange import Answer, ClientLeft, Exchange
from proxy.serving.protocol import BoundedProtocol
from proxy.wire import WIRE, header_lines, header_pairs

pytestmark = pytest.mark.anyio
MOST_BYTES = 1000
END = b"Connection: close\r\n\r\n"
CHUNKS = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
REQUESTS = {
    "get": b"GET /%b HTTP/1.1\r\nHost: x\r\n" + END,
    "head": b"HEAD /%b HTTP/1.1\r\nHost: x\r\n" + END,
    "old": b"GET /%b HTTP/1.0\r\n\r\n",
    "post": b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" + END + b"hello",
    "empty": b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + END,
    "chunked": b"POST /%b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + END + CHUNKS,
    "expected": b"POST /%b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" + END,
    "upgrade": b"GET /%b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body it got, in pieces or whole; a path that begins with "asgi" does without the wire."""
    language, _, form = scope["path"].strip("/").partition("/")
    if language == "asgi":
        scope = {name: value for name, value in scope.items() if name != WIRE}
    exchange = Exchange(scope, receive, send, "req_1")
    exchange.told["x-limit"] = "ours"
    with contextlib.suppress(ClientLeft):
        await exchange.read_body(MOST_BYTES)
        said = {"x-limit": "theirs", "x-odd": "a\r\nb: c\x00\x7f é 漢\td"}
        if form == "stream":
            await exchange.start_stream(said)
            for piece in (b"one ", b"", exchange.body, b"x" * 70_000):
                await exchange.write(piece)
            await exchange.end()
        else:
            await exchange.send(Answer(b"said: " + exchange.body, 201, said))


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BoundedProtocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*state.tasks)


async def said_to(port: int, request: bytes) -> tuple[list[bytes], bytes]:
    """The head's lines in order of the alphabet, and all that follows."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        if b"100-continue" in request:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
        async with asyncio.timeout(10):
            head, _, rest = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    return sorted(line for line in head.split(b"\r\n") if not line.startswith(b"date:")), rest


@pytest.mark.parametrize("form", [b"whole", b"stream"])
@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS)
async def test_both_languages_say_the_same(request_bytes: bytes, form: bytes) -> None:
    async with served() as port:
        ours = await said_to(port, request_bytes % (b"wire/" + form))
        assert ours == await said_to(port, request_bytes % (b"asgi/" + form))
    lines, body = ours
    assert b"x-limit: ours" in lines
    assert b"x-limit: theirs" not in lines
    assert b"x-request-id: req_1" in lines
    assert bool(body) is not request_bytes.startswith(b"HEAD")


@pytest.mark.parametrize("form", [b"wire/whole", b"wire/stream"])
async def test_a_connection_serves_again_and_in_order(form: bytes) -> None:
    one = b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n" % form
    last = b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n" % form + END
    async with served() as port:
        _, rest = await said_to(port, one + b"p" + one + b"q" + last + b"r")
    assert rest.count(b"HTTP/1.1 20") == 2
    said = [rest.count(b"\r\n%b\r\n" % mark) + rest.count(b"said: " + mark) for mark in (b"p", b"q", b"r")]
    assert said == [1, 1, 1]


@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,20}", fullmatch=True), st.text(max_size=30), max_size=5))
def test_no_value_ends_its_line(headers: dict[str, str]) -> None:
    lines = header_lines(headers)
    assert lines == b"".join(b"%b: %b\r\n" % pair for pair in header_pairs(headers))
    assert lines.count(b"\r") == lines.count(b"\n") == len(headers)
    assert not any((code < 0x20 and code not in (0x09, 0x0A, 0x0D)) or code == 0x7F for code in lines)
