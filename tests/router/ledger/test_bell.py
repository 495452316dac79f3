"""A bell wakes its thread for all that was put down, and not more often than it must."""

import asyncio
import threading
from collections import deque

import pytest

from router.ledger.bell import Bell

pytestmark = pytest.mark.anyio
PUT = 2_000


class Taker:
    """A thread that takes what it finds at each wake."""

    def __init__(self, bell: Bell, until: int) -> None:
        self.things: deque[int] = deque()
        self.taken: list[int] = []
        self.wakes = 0
        self._bell, self._until = bell, until
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while len(self.taken) < self._until:
            self._bell.wait(None)
            self.wakes += 1
            while self.things:
                self.taken.append(self.things.popleft())


async def test_nothing_is_left_lying_and_nothing_is_taken_twice() -> None:
    bell = Bell()
    taker = Taker(bell, PUT)
    taker.thread.start()
    loop = asyncio.get_running_loop()
    for thing in range(PUT):
        taker.things.append(thing)
        if thing % 3:
            bell.ring_within(0.001)
        else:
            bell.ring_soon(loop)
        if not thing % 7:
            await asyncio.sleep(0)
    await asyncio.to_thread(taker.thread.join)
    assert taker.taken == list(range(PUT))
    assert taker.wakes <= PUT + 1


class Counting(Bell):
    """Counts how often it rang late."""

    late = 0

    def _ring_late(self) -> None:
        self.late += 1
        super()._ring_late()


async def test_a_ring_takes_the_place_of_one_that_was_to_come() -> None:
    bell, loop, ended = Counting(), asyncio.get_running_loop(), asyncio.Event()
    bell.ring_within(0.01)
    bell.ring_soon(loop)
    bell.ring_soon(loop)
    await asyncio.to_thread(bell.wait, 60.0)
    loop.call_later(0.02, ended.set)
    await ended.wait()
    assert bell.late == 0
    bell.ring_within(0.0)
    await asyncio.to_thread(bell.wait, 60.0)
    assert bell.late == 1


def test_without_an_event_loop_it_rings_at_once() -> None:
    bell = Bell()
    bell.ring_within(3600.0)
    assert bell._wakes.qsize() == 1
