"""Serves the application: bounded request heads, and an end that lets requests in flight finish."""

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from proxy.errors import ErrorAnswer, simple_error
from proxy.exchange import DEPARTURE, Departure, RequestIds
from proxy.house import House
from proxy.serving.seats import Listener, Seat
from proxy.serving.workers import Workers
from proxy.settings import Settings

LONGEST_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
IDLE_SECONDS = 75
LAST_SECONDS = 1
GC_THRESHOLDS = (20_000, 20, 50)
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
        if sum(len(name) + len(value) for name, value in self.headers) > LONGEST_HEAD_BYTES:
            raise ValueError("headers too large")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What could not be parsed as HTTP."""
        if self.transport.is_closing():
            return
        if self.headers and sum(len(name) + len(value) for name, value in self.headers) > LONGEST_HEAD_BYTES:
            self._refuse(simple_error(431, f"The headers are over {LONGEST_HEAD_BYTES} bytes.", "headers_too_large"))
        else:
            self._refuse(simple_error(400, msg, "invalid_http"))

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


class DrainingServer(uvicorn.Server):
    """After SIGTERM new requests get 503 while those in flight finish, for `drain_seconds` at most.

    For `leave_seconds` before that they are still served, while `/readyz` is 503 already and balancers turn away.
    """

    def __init__(self, config: uvicorn.Config, drain_seconds: float, leave_seconds: float = 0.0) -> None:
        super().__init__(config)
        self.drain_seconds = drain_seconds
        self.leave_seconds = leave_seconds
        self._owns_process = False
        self._drains_from: float | None = None
        self._seat: Seat | None = None
        self._listeners: list[Listener] = []

    def run(self, sockets: list[socket.socket] | None = None, seat: Seat | None = None) -> None:
        """Serves until told to stop, as the only work of this process; a worker's logs are set up anew."""
        self.config.configure_logging()
        self._owns_process, self._seat = True, seat
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Once started, what is there stays for good: the garbage collector need not walk it again and again."""
        if self._seat is None or sockets is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            self._listeners = [self._listen(listening, self._seat) for listening in sockets]
        if self._owns_process:
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more, then ends what is open."""
        for listener in self._listeners:
            listener.close()
        await super().shutdown(sockets)

    def _listen(self, listening: socket.socket, seat: Seat) -> Listener:
        """Accepts in turns with the other workers."""

        def protocol() -> BoundedProtocol:
            return BoundedProtocol(self.config, self.server_state, self.lifespan.state)

        listener = Listener(listening, seat, protocol, lambda: len(self.server_state.connections))
        listener.start(self.config.backlog)
        return listener

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Asks to end; a second SIGINT does not wait. The signal is not raised again, so that callers can clean up."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: is it time to close?"""
        house: House = self.config.loaded_app.state.house
        house.metrics.note_inside(house.gate.inside)
        for listener in self._listeners:
            listener.note()
        if not await super().on_tick(counter):
            return False
        now = time.monotonic()
        if self._drains_from is None:
            house.gate.is_leaving = True
            self._drains_from = now + self.leave_seconds
        if now < self._drains_from and not self.force_exit:
            return False
        house.gate.is_draining = True
        return not house.gate.inside or self.force_exit or now >= self._drains_from + self.drain_seconds


def configure(settings: Settings, app: Any, factory: bool = False) -> uvicorn.Config:
    """How uvicorn runs us. With `factory`, `app` is a callable or "module:name" that makes the application."""
    server = settings.server
    return uvicorn.Config(
        app,
        factory=factory,
        host=server.host,
        port=server.port,
        workers=server.workers,
        http=BoundedProtocol,
        loop="uvloop",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        log_level=settings.telemetry.log_level,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=LAST_SECONDS,
    )


def run_server(settings: Settings, factory: str) -> None:
    """Serves until SIGTERM or SIGINT. `factory` is "module:name" of what makes the application in each worker."""
    config = configure(settings, factory, factory=True)
    server = DrainingServer(config, settings.server.drain_seconds, settings.server.leave_seconds)
    if settings.server.workers == 1:
        server.run()
        return
    Workers(server, config.bind_socket(), settings.server.workers).run()
