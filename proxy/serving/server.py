"""Serves the application, to an end that lets requests in flight finish."""

import gc
import signal
import socket
import time
from types import FrameType
from typing import Any

import uvicorn

from proxy.house import House
from proxy.serving.protocol import BoundedProtocol
from proxy.serving.seats import Listener, Seat
from proxy.serving.workers import Workers, is_abandoned
from proxy.settings import Settings

IDLE_SECONDS = 75
LAST_SECONDS = 1
GC_THRESHOLDS = (20_000, 20, 50)


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
        self.should_exit = self.should_exit or (self._seat is not None and is_abandoned())
        if not await super().on_tick(counter):
            return False
        now = time.monotonic()
        if self._drains_from is None:
            house.gate.is_leaving = True
            self._drains_from = now + self.leave_seconds
            for listener in self._listeners:
                listener.step_back()
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
        ws="none",
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
