"""The layers around one attempt: money, a breaker, and a limit. Each is a Transport around the next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from router.errors import (
    MaestroError,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamLost,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from router.upstreams.transport import OpenStream, Request, Transport
from router.upstreams.upstream import AttemptMeter, Outcome, Reply

Clock = Callable[[], float]


class Meter:
    """Holds money before the first byte leaves and settles exactly once, whatever happens after."""

    def __init__(self, inner: Transport, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    async def send(self, request: Request) -> Reply:
        """A refused call costs nothing; one whose answer was lost, spoilt or left is charged as estimated."""
        started = self._clock()
        meter = await _begin(request)
        try:
            reply = await self._inner.send(request)
        except BaseException as error:
            await asyncio.shield(_settle_failed(meter, error, self._clock() - started))
            raise
        usage = reply.usage if reply.usage_is_told else None
        await asyncio.shield(meter.settle(usage, reply.seconds, "ok"))
        return reply

    async def open(self, request: Request) -> OpenStream:
        """A stream is settled when it closes: by the upstream's usage, else by what came."""
        started = self._clock()
        meter = await _begin(request)
        try:
            stream = await self._inner.open(request)
        except BaseException as error:
            await asyncio.shield(_settle_failed(meter, error, self._clock() - started))
            raise
        stream.exits.push_async_callback(self._settle, meter, stream, started)
        return stream

    async def _settle(self, meter: AttemptMeter, stream: OpenStream, started: float) -> None:
        progress = stream.progress
        outcome: Outcome = "ok" if progress.finished else "cancelled"
        told = progress.usage is not None
        settling = meter.settle(stream.usage, self._clock() - started, outcome, is_estimated=not told)
        await asyncio.shield(settling)


async def _begin(request: Request) -> AttemptMeter:
    call = request.call
    return await call.purse.begin(request.model, call.purpose, call.expected)


async def _settle_failed(meter: AttemptMeter, error: BaseException, seconds: float) -> None:
    """What can have been billed is charged as estimated; what cannot is given back."""
    unbilled = isinstance(error, UpstreamRejected | UpstreamUnauthorized | UpstreamBusy)
    refused = isinstance(error, UpstreamFailed) and error.answer is not None
    unreached = isinstance(error, UpstreamLost) and isinstance(error.__cause__, aiohttp.ClientConnectorError)
    if unbilled or refused or unreached:
        await meter.not_billed(describe(error))
        return
    outcome: Outcome = "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
    await meter.settle(None, seconds, outcome, describe(error))


def describe(error: BaseException) -> str:
    """A short word for a trace; never content."""
    return f"{type(error).__name__}: {error.message}" if isinstance(error, MaestroError) else type(error).__name__


@dataclass(slots=True)
class Health:
    """What the breaker knows of one upstream."""

    failures: int = 0
    rests_until: float = 0.0
    is_probing: bool = False


class Breaker:
    """Lets an upstream that keeps failing rest: at first one second, then twice as long each time, 30 s at most.

    While it rests every call fails at once with UpstreamLost, so that fallbacks serve; then one call tries again.
    """

    def __init__(self, inner: Transport, name: str, clock: Clock, failures: int = 10) -> None:
        self._inner = inner
        self._name = name
        self._clock = clock
        self._tolerated = failures
        self.health = Health()

    async def send(self, request: Request) -> Reply:
        """As the inner layer, unless resting."""
        async with self._watched():
            return await self._inner.send(request)

    async def open(self, request: Request) -> OpenStream:
        """As the inner layer, unless resting."""
        async with self._watched():
            return await self._inner.open(request)

    @property
    def is_resting(self) -> bool:
        """Would a call fail at once?"""
        return self._clock() < self.health.rests_until or self.health.is_probing

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        if self.is_resting:
            raise UpstreamLost(f"upstream '{self._name}' rests after repeated failures", self._name)
        health = self.health
        health.is_probing = health.failures >= self._tolerated
        try:
            yield
        except (UpstreamFailed, UpstreamLost, UpstreamTimeout):
            health.failures += 1
            excess = health.failures - self._tolerated
            if excess >= 0:
                health.rests_until = self._clock() + min(30.0, 2.0 ** min(excess, 5))
            raise
        else:
            health.failures = 0
        finally:
            health.is_probing = False


class Limit:
    """At most `slots` calls at a time; the rest wait in order of arrival, as long as their deadline allows."""

    def __init__(self, inner: Transport, name: str, slots: int) -> None:
        self._inner = inner
        self._name = name
        self._slots = asyncio.Semaphore(slots)

    async def send(self, request: Request) -> Reply:
        """Holds a slot while the answer comes."""
        await self._take(request)
        try:
            return await self._inner.send(request)
        finally:
            self._slots.release()

    async def open(self, request: Request) -> OpenStream:
        """Holds a slot until the stream closes."""
        await self._take(request)
        try:
            stream = await self._inner.open(request)
        except BaseException:
            self._slots.release()
            raise
        stream.exits.callback(self._slots.release)
        return stream

    async def _take(self, request: Request) -> None:
        try:
            async with asyncio.timeout_at(request.call.deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise UpstreamTimeout(f"upstream '{self._name}' had no free slot in time", self._name) from None
