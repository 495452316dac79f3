"""One request on a connection of our server, and its answer: whole heads and pieces, written at once."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


class Cycle(RequestResponseCycle):
    """Speaks ASGI to the framework's routes, and `Wire` (`proxy.wire`) to ours, which spell their headers right.

    Disconnects, keep-alive, flow control and `Expect` are uvicorn's: both languages move the same state.
    """

    def take_body(self) -> bytes | None:
        """The whole body, where it has come already."""
        if self.more_body or self.disconnected or self.waiting_for_100_continue:
            return None
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return body

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """A whole answer; `lines` are its headers, of which one tells its length. Nothing where the client left."""
        await self._until_writable()
        if self.disconnected:
            return
        head = self._head(status, lines)
        self.transport.write(head if self.scope["method"] == "HEAD" else head + body)
        self._complete()

    async def begin(self, status: int, lines: bytes) -> None:
        """The head of an answer whose pieces follow."""
        await self._until_writable()
        if not self.disconnected:
            framing = b"" if self.scope["method"] == "HEAD" else b"transfer-encoding: chunked\r\n"
            self.transport.write(self._head(status, lines + framing))

    async def write(self, piece: bytes) -> None:
        """One piece."""
        await self._until_writable()
        if self._may_write() and piece and self.scope["method"] != "HEAD":
            self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    async def end(self) -> None:
        """No more pieces."""
        await self._until_writable()
        if self._may_write():
            if self.scope["method"] != "HEAD":
                self.transport.write(b"0\r\n\r\n")
            self._complete()

    async def _until_writable(self) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()

    def _may_write(self) -> bool:
        """Is somebody there? Raises RuntimeError outside of an answer, as ASGI does."""
        if self.disconnected:
            return False
        if not self.response_started or self.response_complete:
            raise RuntimeError("a piece of an answer that has not begun, or is over")
        return True

    def _head(self, status: int, lines: bytes) -> bytes:
        if self.response_started:
            raise RuntimeError("a second answer")
        self.response_started = True
        self.waiting_for_100_continue = False
        usual = b"".join([b"%b: %b\r\n" % header for header in self.default_headers])
        last = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        return b"%b%b%b%b" % (STATUS_LINE[status], usual, lines, last)

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
