"""One connection to one server: sends a request, takes in its answer. The parser is llhttp (httptools)."""

import asyncio
from typing import Literal, cast

import httptools

LONGEST_HEAD_BYTES = 64 * 2**10
MOST_BUFFERED_BYTES = 256 * 2**10
"""From here on a stream that nobody reads is not read from the socket either."""
SWITCHING, FIRST_FINAL = 101, 200


class ConnectFailed(OSError):
    """No connection was made: nothing of a request has left."""


class ConnectTimeout(ConnectFailed):
    """No connection was made in time."""


class Cut(ConnectionError):
    """The connection ended before the answer did."""


class NotHttp(ValueError):
    """What came is not HTTP/1.1."""


class TooLong(ValueError):
    """An answer that grows beyond what is read."""


class Connection(asyncio.Protocol):
    """Used by one request at a time; `can_serve_again` says whether another may follow.

    A reader waits at most for one future an answer, or a piece of one: what came together is taken together.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_busy = self._is_spoilt = self._is_paused = self._is_final = False
        self._reset("end", 0)

    def _reset(self, wanted: Literal["head", "end"], longest: int) -> None:
        self.headers: dict[str, str] = {}
        self.status = 0
        self.is_complete = False
        self._wanted: Literal["head", "bytes", "end"] = wanted
        self._longest = longest
        self._pieces: list[bytes] = []
        self._size = self._head_size = 0
        self._has_head = False
        self._failure: Exception | None = None

    @property
    def can_serve_again(self) -> bool:
        """May the next request use it?"""
        return not (self._is_spoilt or self._is_busy or self._transport is None or self._transport.is_closing())

    async def whole(self, request: bytes, longest: int, until: float) -> bytes:
        """Sends a request; the answer's body. `until` is loop time. Raises Cut, NotHttp, TooLong, TimeoutError."""
        self._begin(request, "end", longest)
        self._renews, self._since, self._patience = False, until, 0.0
        self._watch()
        if not self.is_complete:
            await self._wait()
        return self._take()

    async def head(self, request: bytes, longest: int, patience_seconds: float) -> None:
        """Sends a request and waits for the answer's head; then `pieces`. Raises as above, after so long a silence."""
        self._begin(request, "head", longest)
        self._renews, self._since, self._patience = True, self._loop.time(), patience_seconds
        self._watch()
        if not self._has_head:
            await self._wait()
        self._raise_failure()
        self._wanted = "bytes"

    async def piece(self) -> bytes:
        """What has come of the body, as soon as there is something; b"" at its end. Raises as above."""
        if not self._pieces and not self.is_complete:
            self._raise_failure()
            await self._wait()
        return self._take()

    def end(self) -> bool:
        """The request is over; True if the connection may serve another. One left before its end is cut."""
        self._is_busy = False
        if not self.is_complete:
            self._is_spoilt = True
        if not self.can_serve_again:
            self.close()
            return False
        self._pieces.clear()
        self._resume()
        return True

    def close(self) -> None:
        """Ends the connection at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    def _begin(self, request: bytes, wanted: Literal["head", "end"], longest: int) -> None:
        self._reset(wanted, longest)
        self._is_busy = True
        if self._transport is None or self._transport.is_closing():
            raise Cut("the connection was closed")
        self._transport.write(request)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take(self) -> bytes:
        """What has come; a failure only once that is taken, and at once where the whole was wanted."""
        pieces = self._pieces
        if self._failure is not None and (not pieces or self._wanted == "end"):
            raise self._failure
        self._pieces = []
        if self._wanted == "bytes":
            self._size = 0
            self._resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._is_spoilt = True
        self._wake()

    # ---- time

    def _watch(self) -> None:
        """One timer for many requests: it looks whether the one that runs now is late."""
        if self._timer is None or self._timer.when() > self._since + self._patience:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._since + self._patience, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._is_busy or self.is_complete:
            return
        if self._is_paused:
            self._since = self._loop.time()
        if self._loop.time() < self._since + self._patience:
            self._watch()
        else:
            self._fail(TimeoutError("no answer in time"))

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parses what came, and wakes the reader once for all of it."""
        if not self._is_busy or self.is_complete:
            self._is_spoilt = True  # words that nobody asked for
            self.close()
            return
        if self._renews:
            self._since = self._loop.time()
        try:
            self._parser.feed_data(data)
            self._bound_head(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, TooLong) as error:
            cause = error if isinstance(error, TooLong) else error.__context__
            self._fail(cause if isinstance(cause, TooLong) else NotHttp(str(error)))
            self.close()
            return
        if self.is_complete or (self._has_head if self._wanted == "head" else self._pieces and self._wanted == "bytes"):
            self._wake()
        if self._wanted != "end" and self._size > MOST_BUFFERED_BYTES:
            self._pause()

    def _bound_head(self, data: bytes) -> None:
        if not self._has_head:
            self._head_size += len(data)
            if self._head_size > LONGEST_HEAD_BYTES:
                raise TooLong("headers without end")

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of an answer that has no other; else it was cut."""
        self._is_spoilt = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_busy or self.is_complete:
            return
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if exc is None and self._has_head and not framed:
            self.is_complete = True
            self._wake()
        else:
            self._fail(Cut("the connection was cut"))

    def _pause(self) -> None:
        if self._transport is not None and not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = False
            self._since = self._loop.time()
            self._transport.resume_reading()

    # ---- what the parser calls

    def on_message_begin(self) -> None:
        """A second answer to one request is none."""
        if self.is_complete:
            raise ValueError("more than one answer")
        self.headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or trailer."""
        if not self._has_head:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head of the answer, or of word that it will come (1xx)."""
        self.status = self._parser.get_status_code()
        self._has_head = self._is_final = self.status >= FIRST_FINAL
        if self.status == SWITCHING:
            raise ValueError("another protocol")
        if self._is_final and not self._parser.should_keep_alive():
            self._is_spoilt = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._size += len(body)
        if self._wanted == "end" and self._size > self._longest:
            raise TooLong("an answer without end")
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._is_final:
            self.is_complete = True
