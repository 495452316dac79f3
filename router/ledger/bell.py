"""Wakes a thread for what others have put in its way: once, however many put something there before it looks."""

import asyncio
import contextlib
import queue


class Bell:
    """One thread waits; event loops, and other threads, ring.

    What was put down before a ring is there when the waiting thread wakes.
    """

    def __init__(self) -> None:
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_rung = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._soon: asyncio.AbstractEventLoop | None = None
        self._late: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Now."""
        if not self._is_rung:
            self._is_rung = True
            self._wakes.put(None)

    def ring_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Once `loop`, on which this is called, has done what is ready: whoever else has something puts it down first,
        and the two threads do not fight for the interpreter. Nothing is rung late besides."""
        if self._late is not None and loop is self._loop:
            self._late.cancel()
            self._late = self._loop = None
        if self._soon is not loop:
            self._soon = loop
            loop.call_soon(self._ring_soon)

    def ring_within(self, seconds: float) -> None:
        """In `seconds`, unless somebody rings before; at once where no event loop can keep the time."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.ring()
            return
        if self._loop is not loop:
            self._loop, self._late = loop, loop.call_later(seconds, self._ring_late)

    def wait(self, seconds: float | None) -> None:
        """Returns once it was rung, or after so long."""
        with contextlib.suppress(queue.Empty):
            self._wakes.get(timeout=seconds)
        self._is_rung = False

    def _ring_soon(self) -> None:
        self._soon = None
        self.ring()

    def _ring_late(self) -> None:
        self._late = self._loop = None
        self.ring()
