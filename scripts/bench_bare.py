"""The peers of `bench_proxy`: a bare pass-through on the same stack (Litestar, uvicorn, aiohttp), and an upstream that
answers at once. Neither knows keys, money, headers or errors: they show what the stack itself costs."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, cast

import aiohttp
import click
import uvicorn
from litestar import Litestar, Request, Response, post
from litestar.response import Stream

CHUNKS = 20
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "small",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "word " * 140, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 300, "completion_tokens": 140, "total_tokens": 440},
}
BODY = json.dumps(ANSWER).encode()
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    """One event of a stream, framed for chunked transfer."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "small", "choices": [choice]}
    return framed(b"data: " + json.dumps(frame).encode() + b"\n\n")


def framed(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class FastUpstream(asyncio.Protocol):
    """Answers a request when its last byte has come.

    A stream of a request that says "paced" has pauses; "paced-200" has 200 chunks, each with the moment it was sent.
    """

    pause_seconds = 0.05

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Takes in one request; there is never a second one before the answer."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._buffer.lower().find(b"content-length:") + 15
        length = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) < head + 4 + length:
            return
        streams, paced = b'"stream":true' in self._buffer.replace(b" ", b""), b'"paced"' in self._buffer
        stamped = [int(chunks) for chunks in re.findall(rb'"paced-(\d+)"', self._buffer)]
        self._buffer.clear()
        if stamped:
            self._transport.write(STREAM_HEAD + chunk({"role": "assistant", "content": ""}))
            self._stamped(stamped[0])
        elif streams:
            self._stream(paced)
        else:
            self._transport.write(WHOLE)

    def _stream(self, paced: bool) -> None:
        self._transport.write(STREAM_HEAD + chunk({"role": "assistant", "content": ""}))
        if paced:
            self._later(CHUNKS)
        else:
            for _ in range(CHUNKS):
                self._transport.write(chunk({"content": "word "}))
            self._end()

    def _later(self, left: int) -> None:
        if self._transport.is_closing():
            return
        if not left:
            self._end()
            return
        self._transport.write(chunk({"content": "word "}))
        asyncio.get_running_loop().call_later(self.pause_seconds, self._later, left - 1)

    def _stamped(self, left: int) -> None:
        if self._transport.is_closing():
            return
        if not left:
            self._end()
            return
        self._transport.write(chunk({"content": f"t{time.monotonic():.6f} "}))
        asyncio.get_running_loop().call_later(self.pause_seconds, self._stamped, left - 1)

    def _end(self) -> None:
        self._transport.write(chunk({}, "stop") + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")


async def serve_upstream(port: int) -> None:
    """Until killed."""
    server = await asyncio.get_running_loop().create_server(FastUpstream, "127.0.0.1", port)
    await server.serve_forever()


def bare_app(upstream: str) -> Litestar:
    """Passes a chat request through, whole or streamed."""
    sessions: list[aiohttp.ClientSession] = []

    @post("/v1/chat/completions", status_code=200)
    async def chat(request: Request[object, object, object]) -> Response[bytes] | Stream:  # type: ignore[type-var]
        body = await request.body()
        headers = {"Content-Type": "application/json"}
        answer = await sessions[0].post(f"{upstream}/chat/completions", data=body, headers=headers)
        if b'"stream"' not in body:
            async with answer:
                return Response(await answer.read(), media_type="application/json")

        async def pieces() -> AsyncIterator[bytes]:
            async with answer:
                async for piece in answer.content.iter_any():
                    yield piece

        return Stream(pieces(), media_type="text/event-stream")

    async def start() -> None:
        sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))

    async def stop() -> None:
        await sessions[0].close()

    return Litestar([chat], on_startup=[start], on_shutdown=[stop], openapi_config=None, logging_config=None)


@click.command()
@click.option("--port", required=True, type=int)
@click.option("--upstream", help="Pass requests on to this base URL; without it, be the upstream.")
def command(port: int, upstream: str | None) -> None:
    """The peers of the proxy's benchmark."""
    if upstream is None:
        uvloop_run(serve_upstream(port))
    else:
        uvicorn.run(bare_app(upstream), port=port, loop="uvloop", http="httptools", access_log=False, log_config=None)


def uvloop_run(main: Coroutine[Any, Any, None]) -> None:
    """Runs on uvloop."""
    import uvloop

    uvloop.run(main)


if __name__ == "__main__":
    command()
