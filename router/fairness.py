"""Slots for calls, given out fairly: the waiting team with the fewest calls running is next."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager


class FairGate:
    """At most `limit` at once. Between teams max-min fair, within a team in the order of asking."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._served: dict[str, int] = {}
        self._turns = 0

    @property
    def running(self) -> int:
        """How many slots are taken."""
        return self._running.total()

    @asynccontextmanager
    async def slot(self, team: str) -> AsyncIterator[None]:
        """Waits for a slot and gives it back; a cancelled wait takes none."""
        if self.running < self._limit and not self._waiting:
            self._enter(team)
        else:
            await self._wait(team)
        try:
            yield
        finally:
            self._leave(team)

    async def _wait(self, team: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(team, deque())
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(team)
            elif turn in queue:
                queue.remove(turn)
                self._forget(team)
            raise

    def _leave(self, team: str) -> None:
        self._running[team] -= 1
        if not self._running[team]:
            del self._running[team]
            self._forget(team)
        while self._waiting and self.running < self._limit:
            self._admit(min(self._waiting, key=self._precedence))

    def _precedence(self, team: str) -> tuple[int, int]:
        """The fewest calls running; among equals, whose turn was longest ago."""
        return self._running[team], self._served.get(team, 0)

    def _enter(self, team: str) -> None:
        self._turns += 1
        self._served[team] = self._turns
        self._running[team] += 1

    def _admit(self, team: str) -> None:
        turn = self._waiting[team].popleft()
        self._forget(team)
        if not turn.done():
            self._enter(team)
            turn.set_result(None)

    def _forget(self, team: str) -> None:
        if team in self._waiting and not self._waiting[team]:
            del self._waiting[team]
        if team not in self._waiting and team not in self._running:
            self._served.pop(team, None)


class FairGates:
    """One gate for all calls, and one for each upstream whose slots are known."""

    def __init__(self, limit: int, slots: Mapping[str, int] | None = None) -> None:
        self._all = FairGate(limit)
        self._upstreams = {name: FairGate(count) for name, count in (slots or {}).items()}

    @asynccontextmanager
    async def slot(self, upstream: str, team: str) -> AsyncIterator[None]:
        """Waits at the upstream's gate first, so that a slow upstream never fills the common one with waiters."""
        gate = self._upstreams.get(upstream)
        if gate is None:
            async with self._all.slot(team):
                yield
        else:
            async with gate.slot(team), self._all.slot(team):
                yield
