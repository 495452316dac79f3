"""Two calls for one answer: a call, and the hedge beside it once it is late."""

import asyncio

import anyio

from router.errors import MaestroError
from router.job import CutShort
from router.upstreams.upstream import Reply


class Race:
    """Calls for one answer: over when one has won, or all have lost."""

    def __init__(self) -> None:
        self.over = anyio.Event()
        self._running = 0
        self._winner: Reply | None = None
        self._errors: list[MaestroError | CutShort] = []

    def start(self) -> None:
        """One call more."""
        self._running += 1

    def win(self, reply: Reply) -> None:
        """A call has answered."""
        self._winner = self._winner or reply
        self.over.set()

    def lose(self, error: MaestroError | CutShort) -> None:
        """A call has failed, or was given up."""
        self._errors.append(error)
        self._running -= 1
        if not self._running:
            self.over.set()

    def result(self) -> Reply:
        """The first answer. Raises the first error where there is none."""
        if self._winner is None:
            raise self._errors[0]
        return self._winner


async def end_call(call: asyncio.Task[Reply]) -> None:
    """Cancels a call that is not over, and waits until it is settled, whoever else is cancelled meanwhile."""
    if not call.done():
        call.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait((call,))
    if not call.cancelled():
        call.exception()  # somebody has seen it
