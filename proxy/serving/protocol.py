"""HTTP/1.1 of our server: bounded request heads, and requests whose answers are written whole."""

import asyncio
import urllib.parse
from collections.abc import Mapping

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from proxy.errors import ErrorAnswer, simple_error
from proxy.exchange import DEPARTURE, Departure, RequestIds
from proxy.serving.cycle import Cycle
from proxy.wire import WIRE

LONGEST_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
REASONS: Mapping[int, bytes] = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
}


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose request line and headers are bounded in size and time; what is not HTTP gets a JSON error."""

    _head_bytes = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock for the first head."""
        super().connection_made(transport)
        self._departure = Departure()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock."""
        self._stop_timer()
        super().connection_lost(exc)
        self._departure.note()

    def data_received(self, data: bytes) -> None:
        """Refuses a head that grows without end."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > LONGEST_HEAD_BYTES:
            self._refuse(simple_error(431, f"The headers are over {LONGEST_HEAD_BYTES} bytes.", "headers_too_large"))
        elif self._head_timer is None and self._head_bytes:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self.scope[DEPARTURE] = self._departure  # type: ignore[literal-required]
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head is there; one that came at once but is too large is refused here."""
        self._in_head = False
        self._stop_timer()
        if self._is_too_large():
            raise ValueError("headers too large")
        version = self.parser.get_http_version()
        self._complete_scope(version)
        earlier, cycle = self.cycle, self._new_cycle(version)
        self.cycle = self.scope[WIRE] = cycle  # type: ignore[literal-required]
        if earlier is None or earlier.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _complete_scope(self, version: str) -> None:
        """What the request line says."""
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""

    def _new_cycle(self, version: str) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def send_400_response(self, msg: str) -> None:
        """What could not be parsed as HTTP."""
        if self.transport.is_closing():
            return
        if self._is_too_large():
            self._refuse(simple_error(431, f"The headers are over {LONGEST_HEAD_BYTES} bytes.", "headers_too_large"))
        else:
            self._refuse(simple_error(400, msg, "invalid_http"))

    def _is_too_large(self) -> bool:
        return sum([len(name) + len(value) for name, value in self.headers or ()]) > LONGEST_HEAD_BYTES

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            self._refuse(simple_error(408, "The headers did not come in time.", "request_timeout"))
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, error: ErrorAnswer) -> None:
        head = [
            b"HTTP/1.1 %d %s" % (error.status, REASONS[error.status]),
            b"content-type: application/json",
            b"content-length: %d" % len(error.body),
            b"x-request-id: " + RequestIds().next().encode(),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + error.body)
        self.transport.close()
