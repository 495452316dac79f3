"""Slots for calls, given out fairly: the waiting team with the fewest calls running is next."""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping


class FairGate:
    """At most `limit` at once. Between teams max-min fair, within a team in the order of asking."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.running = 0
        """How many slots are taken."""
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._served: dict[str, int] = {}
        self._turns = 0

    def slot(self, team: str) -> "Slot":
        """`async with` waits for a slot and gives it back; a cancelled wait takes none."""
        return Slot(None, self, team)

    async def enter(self, team: str) -> None:
        """Waits for a slot; a cancelled wait takes none. Whoever entered leaves."""
        if self.running < self._limit and not self._waiting:
            self._enter(team)
        else:
            await self._wait(team)

    async def _wait(self, team: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(team, deque())
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(team)
            elif turn in queue:
                queue.remove(turn)
                self._forget(team)
            raise

    def leave(self, team: str) -> None:
        """Gives a slot back; the next team in turn gets it."""
        self.running -= 1
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
        self.running += 1

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

    def slot(self, upstream: str, team: str) -> "Slot":
        """Waits at the upstream's gate first, so that a slow upstream never fills the common one with waiters."""
        return Slot(self._upstreams.get(upstream), self._all, team)


class Slot:
    """`async with` takes a slot at both gates, and gives both back."""

    __slots__ = ("_common", "_gate", "_team")

    def __init__(self, gate: FairGate | None, common: FairGate, team: str) -> None:
        self._gate = gate
        self._common = common
        self._team = team

    async def __aenter__(self) -> None:
        if self._gate is not None:
            await self._gate.enter(self._team)
        try:
            await self._common.enter(self._team)
        except BaseException:
            if self._gate is not None:
                self._gate.leave(self._team)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._common.leave(self._team)
        if self._gate is not None:
            self._gate.leave(self._team)
