"""Which requests are being served, and whether new ones are let in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from router.errors import Unavailable


class Gate:
    """Counts requests in flight; once it drains, new ones are refused. Before, while leaving, `/readyz` says so."""

    def __init__(self) -> None:
        self.is_leaving = False
        self.is_draining = False
        self._inside = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    @property
    def inside(self) -> int:
        """Requests in flight."""
        return self._inside

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Holds a place while a request is served. Raises Unavailable while draining."""
        if self.is_draining:
            raise Unavailable("The server is shutting down; send the request again.")
        self._inside += 1
        self._is_empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._is_empty.set()

    async def until_empty(self) -> None:
        """Returns once no request is in flight."""
        await self._is_empty.wait()
