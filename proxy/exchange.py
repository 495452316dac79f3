"""One request while it is served: reads the body, writes the answer, and notices when the client leaves."""

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

import msgspec

from proxy.wire import WIRE, Wire, header_lines, header_pairs
from router.errors import BadRequest, TooLarge
from router.task import Caller

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

BODY_SECONDS = 120.0
DEPARTURE = "maestro.departure"
"""Where in the scope our server keeps the connection's `Departure`."""
JSON = "application/json"
NOBODY = Caller()
EVENTS = "text/event-stream; charset=utf-8"
LAST = (b"data: [DONE]\n\n", b"data: [DONE]\r\n\r\n")
"""What ends a stream of events: the request may be settled after it, but nothing more is said."""


class ClientLeft(Exception):
    """The client closed the connection: nobody is left to answer."""


class SlowBody(Exception):
    """The body did not come in time."""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    content_type: str = JSON


class Exchange:
    """One HTTP request and its answer. `async with exchange.watched():` cancels the block when the client leaves."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.scope = scope
        self.request_id = request_id
        self.headers: dict[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.body = b""
        self.caller = NOBODY
        self.status = 0
        self.wrote_at = 0.0
        self.has_said_all = False
        self.told: dict[str, str] = {}
        self._receive = receive
        self._send = send
        self._wire: Wire | None = scope.get(WIRE)
        self._watch: Watch | None = None

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return str(self.scope["path"])

    @property
    def has_started(self) -> bool:
        """Is the status already on its way?"""
        return self.status != 0

    async def read_body(self, most_bytes: int) -> None:
        """Reads the body. Raises TooLarge (before reading, where the length is told), ClientLeft, SlowBody."""
        length = self.headers.get("content-length", "")
        if length.isdecimal() and int(length) > most_bytes:
            raise _too_large(most_bytes)
        at_hand = None if self._wire is None else self._wire.take_body()
        if at_hand is None:
            at_hand = await self._wait_for_body(most_bytes)
        elif len(at_hand) > most_bytes:
            raise _too_large(most_bytes)
        self.body = at_hand

    async def _wait_for_body(self, most_bytes: int) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read(most_bytes)
        except TimeoutError:
            raise SlowBody from None

    async def _read(self, most_bytes: int) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > most_bytes:
                raise _too_large(most_bytes)
            parts.append(bytes(part))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def watched(self) -> "Watch":
        """Cancels the block, and raises ClientLeft at its end, when the client leaves."""
        self._watch = Watch(self._receive, self.scope.get(DEPARTURE))
        return self._watch

    async def send(self, answer: Answer) -> None:
        """Sends a whole answer."""
        own = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
        headers = self._begin(answer.status, own)
        if self._wire is not None:
            await self._wire.answer(answer.status, header_lines(headers), answer.body)
            return
        await self._send_head(headers)
        body = b"" if self.method == "HEAD" else answer.body
        await self._send({"type": "http.response.body", "body": body})

    async def start_stream(self, headers: Mapping[str, str]) -> None:
        """Sends status 200 and the headers of a stream of events."""
        own = {"content-type": EVENTS, "cache-control": "no-cache", "x-accel-buffering": "no", **headers}
        told = self._begin(200, own)
        if self._wire is not None:
            await self._wire.begin(200, header_lines(told))
        else:
            await self._send_head(told)

    async def write(self, data: bytes) -> None:
        """Sends a piece of a stream."""
        self.wrote_at = time.monotonic()
        self.has_said_all = data.endswith(LAST)
        if self._wire is not None:
            await self._wire.write(data)
        else:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def pulse(self, comment: bytes, silence_seconds: float) -> "Pulse":
        """While the block runs, sends `comment` when nothing was written for so long; not after the last event."""
        return Pulse(self, comment, silence_seconds)

    async def end(self) -> None:
        """Ends a stream."""
        if self._watch is not None:
            self._watch.is_over = True
        if self._wire is not None:
            await self._wire.end()
        else:
            await self._send({"type": "http.response.body", "body": b""})

    def _begin(self, status: int, headers: Mapping[str, str]) -> dict[str, str]:
        """All headers of the answer: where both tell a limit, ours and not the upstream's."""
        self.status = status
        return {**headers, **self.told, "x-request-id": self.request_id}

    async def _send_head(self, headers: Mapping[str, str]) -> None:
        await self._send({"type": "http.response.start", "status": self.status, "headers": header_pairs(headers)})


class Departure:
    """One connection's end: our server notes it and tells whoever watches, at no cost while the client stays."""

    __slots__ = ("is_over", "watchers")

    def __init__(self) -> None:
        self.is_over = False
        self.watchers: set[Callable[[], None]] = set()

    def note(self) -> None:
        """The client left."""
        self.is_over = True
        for watcher in tuple(self.watchers):
            watcher()


class Watch:
    """Cancels the block when the client leaves: told by our server, or by a task that waits under any other."""

    def __init__(self, receive: Receive, departure: Departure | None) -> None:
        self.is_over = False
        self._left = False
        self._receive = receive
        self._departure = departure
        self._waiting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._served = asyncio.current_task()
        if self._departure is None:
            self._waiting = asyncio.create_task(self._wait())
            return self
        self._departure.watchers.add(self._leave)
        if self._departure.is_over:
            self._leave()
        return self

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        if not self.is_over and self._served is not None:
            self._left = True
            self._served.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_over = True
        if self._departure is not None:
            self._departure.watchers.discard(self._leave)
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait((self._waiting,))
        if self._left and self._served is not None:
            self._served.uncancel()
            raise ClientLeft from None


class RequestIds:
    """What `x-request-id` says: a random word of this process and a number: cheaper than a random word each."""

    def __init__(self) -> None:
        self._word = os.urandom(10).hex()
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """A new id."""
        return f"req_{self._word}{next(self._numbers):08x}"


class Pulse:
    """Keeps a silent stream alive: a timer, and a task only for what is written."""

    def __init__(self, exchange: Exchange, comment: bytes, silence_seconds: float) -> None:
        self._exchange = exchange
        self._comment = comment
        self._silence_seconds = silence_seconds
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._exchange.wrote_at = time.monotonic()
        self._timer = self._loop.call_later(self._silence_seconds, self._beat)

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait((self._writing,))
            self._timer.cancel()

    def _beat(self) -> None:
        silent = time.monotonic() - self._exchange.wrote_at
        if silent >= self._silence_seconds:
            self._writing = self._loop.create_task(self._write())
        else:
            self._timer = self._loop.call_later(self._silence_seconds - silent, self._beat)

    async def _write(self) -> None:
        if self._exchange.has_said_all:
            return
        await self._exchange.write(self._comment)
        self._timer = self._loop.call_later(self._silence_seconds, self._beat)


def _too_large(most_bytes: int) -> BadRequest:
    return TooLarge(f"The body is larger than {most_bytes} bytes.", code="request_too_large")
