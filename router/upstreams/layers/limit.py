"""At most so many attempts at one upstream at the same time."""

import asyncio

from router.upstreams.transport import OpenStream, Request, Transport, close_after
from router.upstreams.upstream import Reply


class Limit:
    """Slots, given out in the order they were asked for. A stream holds its slot until it is closed."""

    def __init__(self, inner: Transport, slots: int) -> None:
        self._inner = inner
        self._slots = asyncio.Semaphore(slots)

    async def send(self, request: Request) -> Reply:
        """As the inner one, once there is a slot."""
        async with self._slots:
            return await self._inner.send(request)

    async def open(self, request: Request) -> OpenStream:
        """As the inner one, once there is a slot."""
        await self._slots.acquire()
        try:
            stream = await self._inner.open(request)
        except BaseException:
            self._slots.release()
            raise
        close_after(stream, self._release)
        return stream

    async def _release(self) -> None:
        self._slots.release()
