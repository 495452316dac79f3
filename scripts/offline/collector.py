"""The collector: claims cells of the journal, asks them, checks the answers, and plans more, until nothing is worth
asking."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import anyio
import anyio.abc

from router.errors import (
    BudgetExceeded,
    BudgetReserved,
    MaestroError,
    RateLimited,
    Unavailable,
    UpstreamBusy,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnauthorized,
)
from router.upstreams.layers.breaker import Resting
from router.upstreams.layers.waits import is_retryable, retry_after_seconds
from scripts.offline.actions import parse_action
from scripts.offline.asking import Asker
from scripts.offline.journal import Cell, Journal, JournalError, Key, Spell
from scripts.offline.pace import Pace
from scripts.offline.tasks import OfflineTask

MOST_TRIES = 3
TICK_SECONDS = 0.02
"""Claims are made together: one durable write for all that became free in between."""
RECOVER_SECONDS = 5.0
CHECKS_AT_ONCE = 32


class Planner(Protocol):
    """Says which cells are to be had next."""

    def next_cells(self, journal: Journal) -> list[Cell]:
        """More cells; none: nothing more is worth asking."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, for a progress bar."""

    done: int
    planned: int
    flying: int
    nanodollars: int


@dataclass
class Collector:
    """One collection in this process. `stop` ends it once what is in flight is there."""

    journal: Journal
    asker: Asker
    tasks: Mapping[str, OfflineTask]
    planner: Planner
    pace: Pace
    prompts: Sequence[str]
    cap: int | None
    tell: Callable[[Progress], None] = lambda _: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: str = ""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKS_AT_ONCE))
    _told: float = 0.0

    async def run(self) -> str:
        """Collects; why it ended. Answers that an earlier collector left unchecked are checked first.

        Raises JournalError where the journal is lost on the way.
        """
        try:
            return await self._run()
        except* JournalError as lost:
            failure: BaseException = lost
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
        raise failure

    async def _run(self) -> str:
        await asyncio.to_thread(self.journal.recover)
        await self.recheck()
        async with anyio.create_task_group() as group:
            keeper = anyio.CancelScope()
            group.start_soon(self._keep, keeper)
            await self._work(group)
            while self.pace.flying:
                await self._doze()
            keeper.cancel()
        self._report(force=True)
        return self.ended or "nothing more is worth asking"

    async def recheck(self, everything: bool = False) -> int:
        """Checks answers that these checks have not seen (or all of them) without asking anything again. How many."""
        found = await asyncio.to_thread(
            self.journal.unchecked,
            lambda name: "" if everything else self.tasks[name].digest if name in self.tasks else "",
        )
        mine = [(key, chain) for key, chain in found if key.task_id in self.tasks]
        async with anyio.create_task_group() as group:
            for key, chain in mine:
                group.start_soon(self._check, key, chain)
        return len(mine)

    async def _work(self, group: anyio.abc.TaskGroup) -> None:
        while not self.stop.is_set():
            free = self.pace.free(self._now())
            cells = await asyncio.to_thread(self.journal.claim, free, self.cap) if free else []
            for cell in cells:
                self.pace.lanes[cell.upstream].flying += 1
                group.start_soon(self._ask, cell)
            self._report()
            if not cells and not await self._plan_more():
                return
            await self._doze()
        self.ended = self.ended or "stopped"

    async def _plan_more(self) -> bool:
        """Plans where nothing is left to be claimed; False once there is nothing in flight and nothing to come."""
        counts = await asyncio.to_thread(self.journal.counts)
        if not counts.get("open"):
            cells = await asyncio.to_thread(self.planner.next_cells, self.journal)
            added: int = await asyncio.to_thread(lambda: self.journal.add(cells))
            if added:
                self._wake.set()
                return True
            counts = await asyncio.to_thread(self.journal.counts)  # another collector may have planned meanwhile
            if counts.get("open"):
                return True
        if self.pace.flying:
            return True
        if counts.get("asked"):
            return True  # another collector's: it may die, or bring what decides what comes next
        resting = any(self._now() < lane.rests_until for lane in self.pace.lanes.values())
        if counts.get("open") and not resting:
            self.ended = "the next answer would pass the cap"
        return bool(counts.get("open")) and resting

    async def _doze(self) -> None:
        """Until an answer is there; a moment longer, so that claims are made together."""
        self._wake.clear()
        with anyio.move_on_after(0.5):
            await self._wake.wait()
            await anyio.sleep(TICK_SECONDS)

    async def _ask(self, cell: Cell) -> None:
        lane, purse = self.pace.lanes[cell.upstream], self.asker.purse()
        task, action = self.tasks[cell.key.task_id], parse_action(cell.key.action, self.prompts)
        try:
            try:
                chain = await self.asker.ask(task, action, purse)
            finally:
                with anyio.CancelScope(shield=True):
                    await purse.close()
        except MaestroError as error:
            again = self._goes_on(error, cell)
            await asyncio.to_thread(self.journal.unanswered, cell, told(error), purse.spent, again)
        else:
            await asyncio.to_thread(self.journal.answered, cell, chain, purse.spent)
            lane.went_well()
            await self._check(cell.key, chain)
        finally:
            lane.flying -= 1
            self._wake.set()

    def _goes_on(self, error: MaestroError, cell: Cell) -> bool:
        """May this cell be asked again? A refusal by the ledger ends the collection, with the cell open."""
        lane = self.pace.lanes[cell.upstream]
        if isinstance(error, BudgetExceeded | Unavailable):
            self.ended = error.message
            self.stop.set()
            return True
        if isinstance(error, UpstreamUnauthorized) or is_spent(error):
            self.ended = f"{cell.upstream}: {error.message}"
            self.stop.set()
            return True
        if isinstance(error, UpstreamBusy | BudgetReserved | RateLimited | Resting):
            lane.was_busy(self._now(), rest_of(error, time.time()))
            return True
        return not isinstance(error, UpstreamRejected) and cell.tries + 1 < MOST_TRIES

    async def _check(self, key: Key, chain: list[Spell]) -> None:
        task, action, purse = self.tasks[key.task_id], parse_action(key.action, self.prompts), self.asker.purse()
        async with self._checks:
            try:
                findings = await self.asker.check(task, action, chain, purse)
            finally:
                await purse.close()
        await asyncio.to_thread(self.journal.charge, purse.spent)
        await asyncio.to_thread(self.journal.checked, key, findings, task.digest)

    async def _keep(self, scope: anyio.CancelScope) -> None:
        """Renews the lease, and takes in what dead collectors left."""
        with scope:
            while True:
                await anyio.sleep(RECOVER_SECONDS)
                await asyncio.to_thread(self.journal.recover)
                self._wake.set()

    def _report(self, force: bool = False) -> None:
        now = self._now()
        if not force and now - self._told < 0.25:
            return
        self._told = now
        counts = self.journal.counts()
        done = sum(counts.get(state, 0) for state in ("answered", "failed", "lost"))
        spent, held = self.journal.money()
        self.tell(Progress(done, sum(counts.values()), self.pace.flying, spent + held))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def is_spent(error: MaestroError) -> bool:
    """Does a refusal say that there is no money left at the provider? Asking again would not help."""
    return isinstance(error, UpstreamBusy) and not is_retryable(error)


def rest_of(error: MaestroError, unix_now: float) -> float | None:
    """How long a refusal asks to wait (the upstream's Retry-After, or our own limits' word), if it says so."""
    if isinstance(error, BudgetReserved | RateLimited):
        return error.retry_after_seconds
    answer = error.answer if isinstance(error, UpstreamError) else None
    return None if answer is None else retry_after_seconds(answer.headers, unix_now)


def told(error: MaestroError) -> str:
    """One line for the journal."""
    return f"{type(error).__name__}: {error.message}"[:300]
