"""The one owner of retries at one upstream."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from router.errors import MaestroError, UpstreamError
from router.upstreams.layers.waits import wait_before_retry
from router.upstreams.transport import OpenStream, Request, Transport
from router.upstreams.upstream import Reply

T = TypeVar("T")


class Retry:
    """Tries again what may succeed in a moment, at most `retries` times and within the call's attempts and deadline.

    It stands outside the limit and the meter: a wait holds no slot and no money, and each attempt is paid by itself.
    """

    def __init__(self, inner: Transport, retries: int, draw: Callable[[], float] = random.random) -> None:
        self._inner = inner
        self._retries = retries
        self._draw = draw

    async def send(self, request: Request) -> Reply:
        """As the inner one."""
        return await self._persist(request, self._inner.send)

    async def open(self, request: Request) -> OpenStream:
        """As the inner one; nothing is tried again once the first event has come."""
        return await self._persist(request, self._inner.open)

    async def _persist(self, request: Request, attempt: Callable[[Request], Awaitable[T]]) -> T:
        failures, earlier = 0, None
        while True:
            request.tries.take()
            try:
                return await attempt(request)
            except UpstreamError as error:
                wait = self._wait(error, failures, request)
                if wait is None:
                    raise
                failures, earlier = failures + 1, error
            except MaestroError as error:
                if earlier is None:
                    raise
                raise earlier from error
            await asyncio.sleep(wait)

    def _wait(self, error: UpstreamError, failures: int, request: Request) -> float | None:
        if failures >= self._retries or not request.tries.allow_retry:
            return None
        wait = wait_before_retry(error, failures, 0.5 + self._draw() / 2, time.time())
        deadline = request.call.deadline
        if wait is None or (deadline is not None and asyncio.get_running_loop().time() + wait >= deadline):
            return None
        return wait
