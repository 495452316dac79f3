"""The ledger on PostgreSQL, shared by any number of proxies on any number of machines."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from psycopg import AsyncConnection

from router.errors import Unavailable
from router.ids import new_id
from router.ledger import owners
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
from router.ledger.postgres import books, figures, runs
from router.ledger.postgres.accounts import PostgresAccounts
from router.ledger.postgres.clock import DatabaseClock
from router.ledger.postgres.known import Known
from router.ledger.postgres.lane import Lane
from router.ledger.postgres.money import Money
from router.ledger.postgres.outage import OutageBooks
from router.ledger.postgres.runs import Entry
from router.ledger.postgres.schema import bring_forward
from router.ledger.postgres.session import borrowed, connect, database_errors, open_pool
from router.ledger.postgres.tables import Tables
from router.ledger.reader import Reader
from router.ledger.writer import Writer

HEARTBEAT_SECONDS = 5.0
POOL = 4


class PostgresLedger:
    """The `Ledger` on one PostgreSQL database. Time is the database's: no clock of a proxy matters.

    `now` is for tests only: unix seconds in place of the database's clock. `outage`: what may be spent while the
    database is away, and where it is written down; None: nothing. Other parameters as for `SqliteLedger`.
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], float] | None = None,
        store_texts: bool = False,
        on_charge: Callable[[Account, int], None] = lambda account, tokens: None,
        on_money: Watch = lambda account, standings: None,
        outage: OutageBooks | None = None,
    ) -> None:
        self.url = url
        self.store_texts = store_texts
        self._clock = DatabaseClock(now)
        self._pool = open_pool(url, POOL)
        self.accounts = PostgresAccounts(self._pool, now)
        self._on_charge = on_charge
        self._lookout = owners.Lookout()
        self._money = Money(url, self._clock, Known(self._clock.now, on_money), outage)
        self._pool.is_away = self.is_away
        self._entries: Lane[Entry] = Lane(url, runs.write_entries, _nothing)
        self._tables = Tables(url, writes=True)
        self._heartbeat: asyncio.Task[None] | None = None

    @property
    def owner(self) -> str:
        """This process, as its heartbeat names it."""
        return self._money.owner

    @property
    def writer(self) -> Writer:
        """For the tables of background work: the words of the embedded ledger's writer."""
        return cast(Writer, self._tables)

    def is_away(self) -> bool:
        """Could the database not be reached when it was last tried? Then nobody waits for it."""
        return self._money.is_away()

    def new_reader(self) -> Reader:
        """A connection for reads of those tables; whoever takes it closes it."""
        return cast(Reader, Tables(self.url, writes=False))

    async def start(self) -> None:
        """Brings the schema forward, settles what a dead process left, begins the heartbeat. Raises Unavailable."""
        with database_errors():
            async with await connect(self.url) as connection:
                await bring_forward(connection)
            await self._pool.open()
            await self._money.start()
            await self._entries.start()
        await self._beat()
        self._heartbeat = asyncio.create_task(self._keep_beating())

    async def reserve(self, run_id: str, account: Account, lines: Sequence[Line]) -> Reservation:
        """Holds the sum of the lines against team and key, atomically and durably, or raises and holds nothing."""
        reservation = Reservation(new_id(), run_id, account, tuple(lines))
        await self._money.reserve(reservation)
        return reservation

    async def settle(self, reservation: Reservation, charge: Charge) -> None:
        """Replaces one line's hold by its charge: queued at once, tried until it is durable."""
        held = sum(line.nanodollars for line in reservation.lines if line.attempt_id == charge.attempt_id)
        self._on_charge(reservation.account, charge.usage.input_tokens + charge.usage.output_tokens)
        self._money.settle(reservation.account, charge, held)

    async def release(self, reservation: Reservation, attempt_id: str | None = None) -> None:
        """Gives back one line, or every line not settled."""
        names = (attempt_id,) if attempt_id else tuple(line.attempt_id for line in reservation.lines)
        self._money.release(reservation.account, names)

    async def standings(self, account: Account) -> Sequence[Standing]:
        """From memory where this process has seen the account within a second; else one look."""
        return await self._money.standings(account)

    async def record_run(self, run_id: str, account: Account, trace: Mapping[str, Any]) -> None:
        """Queues a run's tree; it is written with the next batch of entries."""
        self._entries.keep(runs.run_entry(run_id, account, trace, self._clock.now()))

    async def find_run(self, run_id: str) -> Mapping[str, Any] | None:
        """A stored run's tree with its team and key, or None. What was queued before is seen."""
        await self._entries.do(runs.NOTHING)
        async with borrowed(self._pool) as db:
            return await runs.find_run(db, run_id)

    async def list_runs(self, query: RunQuery) -> Sequence[Mapping[str, Any]]:
        """Stored runs without their trees, newest first."""
        async with borrowed(self._pool) as db:
            return await runs.list_runs(db, query)

    async def record_outcomes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queues rows to learn from."""
        for row in rows:
            self._entries.keep(runs.outcome_entry(row, self._clock.now()))

    async def add_labels(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queues counts of labelled verdicts of judges."""
        for row in rows:
            self._entries.keep(runs.label_entry(row))

    async def read_labels(self) -> Sequence[Mapping[str, Any]]:
        """All those counts."""
        async with borrowed(self._pool) as db:
            return await runs.read_labels(db)

    async def outcome_sums(
        self, team: str | None, topic: Topic | None = None, limit: int = 50_000
    ) -> Sequence[Mapping[str, Any]]:
        """What actions really did, per action and cluster of tasks."""
        async with borrowed(self._pool) as db:
            return await figures.outcome_sums(db, team, topic, limit)

    async def plan_sums(self, team: str | None, limit: int = 5_000) -> Sequence[Mapping[str, Any]]:
        """What whole runs came to, per operating point, cluster and topic."""
        async with borrowed(self._pool) as db:
            return await figures.plan_sums(db, team, limit)

    async def outcomes(self, query: OutcomeQuery) -> Sequence[Mapping[str, Any]]:
        """Rows to learn from, oldest first."""
        async with borrowed(self._pool) as db:
            return await figures.outcomes(db, query)

    async def predictions(self, team: str | None, limit: int = 2_000) -> Sequence[Mapping[str, Any]]:
        """What was predicted of the latest runs, and what came of them."""
        async with borrowed(self._pool) as db:
            return await figures.predictions(db, team, limit)

    async def totals(self) -> Mapping[str, Any]:
        """Sums over all charges: calls, tokens, usd, estimated calls, and the same by team."""
        async with borrowed(self._pool) as db:
            return await books.totals(db)

    async def spend(self, query: Spend) -> Sequence[Mapping[str, Any]]:
        """Calls, tokens and dollars, summed. Raises BadRequest for an unknown dimension."""
        async with borrowed(self._pool) as db:
            return await books.spend(db, query)

    async def list_charges(self, query: Spend, limit: int = 10_000) -> Sequence[Mapping[str, Any]]:
        """The settled lines, newest first."""
        async with borrowed(self._pool) as db:
            return await books.list_charges(db, query, limit)

    async def check(self) -> Sequence[Discrepancy]:
        """Every counter against its rows, in one snapshot, so that a busy ledger is checked as it stands."""
        with database_errors():
            async with await connect(self.url) as db:
                return await books.check(db)

    async def prune(self, keep_days: int) -> Mapping[str, int]:
        """Archives old charges as daily sums; forgets old runs, outcomes and audit entries."""
        with database_errors():
            async with await connect(self.url) as db:
                return await books.prune(db, keep_days, self._clock.now())

    async def vacuum(self) -> None:
        """Gives the space of what was forgotten back to the tables."""
        with database_errors():
            async with await connect(self.url) as db:
                await db.execute("vacuum (analyze)")

    async def claim_notice(self, notice: Notice, patience_seconds: float) -> bool:
        """May this process tell it now?"""
        async with borrowed(self._pool) as db:
            return await runs.claim_notice(db, notice, patience_seconds, self._clock.now())

    async def confirm_notice(self, notice: Notice) -> None:
        """It was told."""
        async with borrowed(self._pool) as db:
            await runs.confirm_notice(db, notice, self._clock.now())

    async def flush(self) -> None:
        """Returns once everything queued before is durable."""
        await self._money.flush()
        await self._entries.flush()
        await self._tables.flush()

    async def close(self) -> None:
        """Flushes, unless the database is away, and closes."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)
        await self._money.close()
        await self._entries.close()
        await self._tables.close()
        await self._pool.close()

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with suppress(Unavailable):
                await self._money.beat()
                await self._beat()

    async def _beat(self) -> None:
        """Says that we are there, and charges at worst case what the silent held."""
        async with borrowed(self._pool) as db:
            cursor = await db.execute(
                "update owners set alive_at = maestro_now(%s) where id = %s returning alive_at",
                (self._clock.said(), self._money.owner),
            )
            row = await cursor.fetchone()
            if row is not None:
                self._clock.heard(row[0])
            cursor = await db.execute(
                "select distinct l.owner, coalesce(o.alive_at, 0) from lines l left join owners o on o.id = l.owner"
                " where l.state = 'open' and l.owner <> %s",
                (self._money.owner,),
            )
            for owner, beat in await cursor.fetchall():
                if self._lookout.is_gone(owner, beat):
                    await db.execute("select maestro_bury(%s, %s, %s)", (owner, beat, self._clock.said()))


async def _nothing(_: AsyncConnection) -> None:
    """Entries need no word of greeting."""
