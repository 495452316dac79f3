"""Fails at once while an upstream is down, so that a fallback can answer."""

import asyncio

from router.errors import UpstreamError, UpstreamFailed, UpstreamLost, UpstreamTimeout
from router.upstreams.layers.circuit import Circuit
from router.upstreams.transport import OpenStream, Request, Transport, close_after
from router.upstreams.upstream import Reply

UNHEALTHY = (UpstreamFailed, UpstreamLost, UpstreamTimeout)


class Resting(UpstreamFailed):
    """The breaker is open: nothing was sent."""


class Breaker:
    """Keeps one upstream's circuit."""

    def __init__(self, inner: Transport, upstream: str) -> None:
        self._inner = inner
        self._upstream = upstream
        self._circuit = Circuit()

    async def send(self, request: Request) -> Reply:
        """As the inner one; raises Resting while the circuit is open."""
        self._start()
        try:
            reply = await self._inner.send(request)
        except BaseException as error:
            self._note(error)
            raise
        self._circuit = self._circuit.succeeded()
        return reply

    async def open(self, request: Request) -> OpenStream:
        """As the inner one; a stream cut later counts as a failure too."""
        self._start()
        try:
            stream = await self._inner.open(request)
        except BaseException as error:
            self._note(error)
            raise
        self._circuit = self._circuit.succeeded()

        async def note_end() -> None:
            if stream.progress.failure:
                self._circuit = self._circuit.failed(_now())

        close_after(stream, note_end)
        return stream

    @property
    def is_resting(self) -> bool:
        """Would a call fail at once?"""
        return not self._circuit.lets_through(_now())

    def _start(self) -> None:
        if self._circuit.opened_until is None:
            return  # nearly always: no clock is read for it
        if not self._circuit.lets_through(_now()):
            raise Resting(f"upstream '{self._upstream}' failed repeatedly and is left in peace", self._upstream)
        self._circuit = self._circuit.started()

    def _note(self, error: BaseException) -> None:
        if isinstance(error, UNHEALTHY):
            self._circuit = self._circuit.failed(_now())
        elif isinstance(error, UpstreamError):
            self._circuit = self._circuit.succeeded()
        else:
            self._circuit = self._circuit.abandoned()


def _now() -> float:
    return asyncio.get_running_loop().time()
