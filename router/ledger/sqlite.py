"""The embedded ledger: SQLite in WAL mode, written by one thread with group commit."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal

from router.errors import Unavailable
from router.ids import new_id
from router.ledger import owners
from router.ledger.known import Change, KnownStandings
from router.ledger.ledger import (
    Account,
    Charge,
    Discrepancy,
    Line,
    Notice,
    OutcomeQuery,
    Reservation,
    RunQuery,
    Spend,
    Standing,
    Topic,
    Watch,
)
from router.ledger.reader import Reader
from router.ledger.sqlite_accounts import SqliteAccounts
from router.ledger.statements import books, figures, labels, money, runs
from router.ledger.writer import Writer, connect

HEARTBEAT_SECONDS = 10.0
FORGOTTEN_SECONDS = 86_400.0


class SqliteLedger:
    """The `Ledger` on one SQLite file, shared by any number of processes of one machine.

    `durability` "full" (the default) keeps every reservation through a power loss; "normal" only through a crash.
    `on_charge` is told the tokens of every charge, for rate limits; `on_money` how an account stands after a commit
    that moved its money, on the writer's thread.
    """

    def __init__(
        self,
        path: Path,
        durability: Literal["full", "normal"] = "full",
        now: Callable[[], float] = time.time,
        store_texts: bool = False,
        on_charge: Callable[[Account, int], None] = lambda account, tokens: None,
        on_money: Watch = lambda account, standings: None,
    ) -> None:
        self._known = KnownStandings(now, on_money)
        self.writer = Writer(path, durability, self._known)
        self._lookups, self._reports = Reader(path), Reader(path)
        self.accounts = SqliteAccounts(self.writer, self._lookups, now)
        self.path = path
        self.store_texts = store_texts
        self._now = now
        self._on_charge = on_charge
        self._owner = owners.own_name()
        self._lookout = owners.Lookout()
        self._heartbeat: asyncio.Task[None] | None = None

    @property
    def owner(self) -> str:
        """This process, as its heartbeat names it."""
        return self._owner

    def new_reader(self) -> Reader:
        """A connection for reads, on a thread of its own; whoever takes it closes it."""
        return Reader(self.path)

    async def start(self) -> None:
        """Opens the file, settles what a killed process left, begins the heartbeat. Raises Unavailable."""
        await asyncio.to_thread(self.writer.start)
        await self._beat()
        self._heartbeat = asyncio.create_task(self._keep_beating())

    async def reserve(self, run_id: str, account: Account, lines: Sequence[Line]) -> Reservation:
        """Holds the sum of the lines against team and key, atomically and durably, or raises and holds nothing."""
        reservation = Reservation(new_id(), run_id, account, tuple(lines))
        owner = money.Owner(self._owner, self._now())
        try:
            await self.writer.do(lambda db: self._reserve(db, reservation, owner), joins=True)
        except asyncio.CancelledError:
            await self.release(reservation)
            raise
        return reservation

    async def settle(self, reservation: Reservation, charge: Charge) -> None:
        """Replaces one line's hold by its charge: queued at once, tried until it is durable."""
        now = self._now()
        held = sum(line.nanodollars for line in reservation.lines if line.attempt_id == charge.attempt_id)
        change = Change(reservation.account, charge.nanodollars, -held)
        self._known.queue(change)
        self._on_charge(reservation.account, charge.usage.input_tokens + charge.usage.output_tokens)
        self.writer.keep(lambda db: self._settle(db, charge, change, now), joins=True)

    async def release(self, reservation: Reservation, attempt_id: str | None = None) -> None:
        """Gives back one line, or every line not settled."""
        names = [attempt_id] if attempt_id else [line.attempt_id for line in reservation.lines]
        self.writer.keep(lambda db: self._release(db, names, reservation.account), joins=True)

    async def standings(self, account: Account) -> Sequence[Standing]:
        """From memory where this process has seen the account since its window began; else one read."""
        known = self._known.get(account)
        if known is None:
            known = await self.writer.do(lambda db: money.read_standings(db, account, self._now()))
            self._known.put(account, tuple(known))
        return known

    async def record_run(self, run_id: str, account: Account, trace: Mapping[str, Any]) -> None:
        """Queues a run's tree; it is written with the next commit."""
        now = self._now()
        self.writer.keep(lambda db: runs.insert_run(db, run_id, account, trace, now), joins=True)

    async def find_run(self, run_id: str) -> Mapping[str, Any] | None:
        """A stored run's tree with its team and key, or None. What was queued before is seen."""
        return await self.writer.do(lambda db: runs.find_run(db, run_id))

    async def list_runs(self, query: RunQuery) -> Sequence[Mapping[str, Any]]:
        """Stored runs without their trees, newest first."""
        return await self._reports.do(lambda db: runs.list_runs(db, query))

    async def record_outcomes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queues rows to learn from."""
        now = self._now()
        self.writer.keep(lambda db: runs.insert_outcomes(db, rows, now), joins=True)

    async def add_labels(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queues counts of labelled verdicts of judges."""
        self.writer.keep(lambda db: labels.add_labels(db, rows))

    async def read_labels(self) -> Sequence[Mapping[str, Any]]:
        """All those counts."""
        return await self._reports.do(labels.read_labels)

    async def outcome_sums(
        self, team: str | None, topic: Topic | None = None, limit: int = 50_000
    ) -> Sequence[Mapping[str, Any]]:
        """What actions really did, per action and cluster of tasks."""
        return await self._reports.do(lambda db: figures.outcome_sums(db, team, topic, limit))

    async def plan_sums(self, team: str | None, limit: int = 5_000) -> Sequence[Mapping[str, Any]]:
        """What whole runs came to, per operating point, cluster and topic."""
        return await self._reports.do(lambda db: figures.plan_sums(db, team, limit))

    async def outcomes(self, query: OutcomeQuery) -> Sequence[Mapping[str, Any]]:
        """Rows to learn from, oldest first."""
        return await self._reports.do(lambda db: figures.outcomes(db, query))

    async def predictions(self, team: str | None, limit: int = 2_000) -> Sequence[Mapping[str, Any]]:
        """What was predicted of the latest runs, and what came of them."""
        return await self._reports.do(lambda db: figures.predictions(db, team, limit))

    async def totals(self) -> Mapping[str, Any]:
        """Sums over all charges: calls, tokens, usd, estimated calls, and the same by team."""
        return await self._reports.do(books.totals)

    async def spend(self, query: Spend) -> Sequence[Mapping[str, Any]]:
        """Calls, tokens and dollars, summed. Raises BadRequest for an unknown dimension."""
        return await self._reports.do(lambda db: books.spend(db, query))

    async def list_charges(self, query: Spend, limit: int = 10_000) -> Sequence[Mapping[str, Any]]:
        """The settled lines, newest first."""
        return await self._reports.do(lambda db: books.list_charges(db, query, limit))

    async def check(self) -> Sequence[Discrepancy]:
        """Every counter against its rows, in one transaction, so that a busy ledger is checked as it stands."""
        return await self._reports.do(books.check)

    async def prune(self, keep_days: int) -> Mapping[str, int]:
        """Archives old charges as daily sums; forgets old runs, outcomes and audit entries."""
        return await self.writer.do(lambda db: books.prune(db, keep_days, self._now()))

    async def vacuum(self) -> None:
        """Rewrites the file without its holes. Raises Unavailable if somebody writes meanwhile."""
        await asyncio.to_thread(_vacuum, self.path)

    async def claim_notice(self, notice: Notice, patience_seconds: float) -> bool:
        """May this process tell it now?"""
        return await self.writer.do(lambda db: runs.claim_notice(db, notice, patience_seconds, self._now()))

    async def confirm_notice(self, notice: Notice) -> None:
        """It was told."""
        await self.writer.do(lambda db: runs.confirm_notice(db, notice, self._now()))

    async def flush(self) -> None:
        """Returns once everything queued before is durable."""
        await self.writer.flush()

    async def close(self) -> None:
        """Flushes and closes."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            with suppress(asyncio.CancelledError):
                await self._heartbeat
        await asyncio.to_thread(self.writer.close)
        await self._lookups.close()
        await self._reports.close()

    def _reserve(self, db: sqlite3.Connection, reservation: Reservation, owner: money.Owner) -> None:
        self._known.tally.hold(db, reservation, owner)
        self._known.touched(reservation.account)

    def _settle(self, db: sqlite3.Connection, charge: Charge, change: Change, now: float) -> None:
        self._known.tally.settle(db, charge, now)
        self._known.done(change)

    def _release(self, db: sqlite3.Connection, names: Sequence[str], account: Account) -> None:
        self._known.tally.release(db, names)
        self._known.touched(account)

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with suppress(Exception):
                await self._beat()

    async def _beat(self) -> None:
        owner = money.Owner(self._owner, self._now())
        await self.writer.do(lambda db: _beat(db, owner, self._lookout))


def _beat(db: sqlite3.Connection, owner: money.Owner, lookout: owners.Lookout) -> int:
    db.execute(
        "insert into owners values (?, ?) on conflict do update set alive_at = excluded.alive_at", (owner.id, owner.now)
    )
    db.execute("delete from owners where alive_at < ? and id != ?", (owner.now - FORGOTTEN_SECONDS, owner.id))
    return money.settle_orphans(db, owner, lookout.is_gone)


def _vacuum(path: Path) -> None:
    try:
        with closing(connect(path)) as connection:
            connection.execute("vacuum")
    except sqlite3.Error as error:
        raise Unavailable(f"the ledger cannot be rewritten now: {error}") from error
