"""Holds and charges of one worker: in batches to the database; while it is away in the outage's file, if there is one.

An attempt that was held in the file is settled in the file; a charge there is then booked in the database, which knows
an attempt by its id, so that booking it twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from psycopg import AsyncConnection

from router.errors import Unavailable
from router.ledger import owners
from router.ledger.known import Change
from router.ledger.ledger import Account, Charge, Reservation, Standing
from router.ledger.postgres.clock import DatabaseClock
from router.ledger.postgres.known import Known
from router.ledger.postgres.lane import RETRY_SECONDS, Away, Lane
from router.ledger.postgres.moves import Batch, Look, Move, Release, Reserve, Settle
from router.ledger.postgres.outage import Kept, OutageBooks

logger = logging.getLogger("maestro.ledger")


class Money:
    """`known` is told of every batch. Whoever starts it closes it."""

    def __init__(self, url: str, clock: DatabaseClock, known: Known, outage: OutageBooks | None) -> None:
        self.owner = owners.own_name() if outage is None else outage.owner
        self._clock = clock
        self._known = known
        self._outage = outage
        self._epoch = 0
        self._lane: Lane[Move] = Lane(url, self._apply, self._enter, _doubtful)
        self._local: set[str] = set()
        self._to_book = asyncio.Event()
        self._booking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects, and books what an outage before left. Raises psycopg.Error, Unavailable."""
        await self._lane.start()
        if self._outage is not None:
            await asyncio.to_thread(self._outage.start)
            await self.book()
            self._booking = asyncio.create_task(self._keep_booking())

    async def close(self) -> None:
        """Writes what is queued while the database is there; the file keeps the rest."""
        if self._booking is not None:
            self._booking.cancel()
            await asyncio.gather(self._booking, return_exceptions=True)
            with suppress(Unavailable):
                await self.book()
        await self._lane.close()
        if self._outage is not None:
            await asyncio.to_thread(self._outage.close)

    def is_away(self) -> bool:
        """Could the database not be reached when it was last tried? It is tried four times a second."""
        return self._lane.is_away

    async def reserve(self, reservation: Reservation) -> None:
        """Holds the lines, or raises and holds nothing."""
        try:
            await self._lane.do(Reserve(reservation))
        except asyncio.CancelledError:
            self.release(reservation.account, [line.attempt_id for line in reservation.lines])
            raise
        except Away:
            if self._outage is None:
                raise
            await self._hold_in_file(self._outage, reservation)

    def settle(self, account: Account, charge: Charge, held: int) -> None:
        """Takes the word at once; it is tried until it is durable."""
        if self._outage is not None and charge.attempt_id in self._local:
            self._local.discard(charge.attempt_id)
            self._outage.settle(charge)
            self._to_book.set()
            return
        change = Change(account, charge.nanodollars, -held)
        self._known.queue(change)
        self._lane.keep(Settle(account, charge, change))

    def release(self, account: Account, attempt_ids: Sequence[str]) -> None:
        """Takes the word at once. What is held in the file may be held in the database too by now."""
        local = self._local.intersection(attempt_ids)
        if self._outage is not None and local:
            self._local -= local
            self._outage.release(sorted(local))
        self._lane.keep(Release(account, tuple(attempt_ids)))

    async def standings(self, account: Account) -> Sequence[Standing]:
        """From memory where this process has seen the account within a second; else one look. Raises Unavailable."""
        known = self._known.get(account)
        if known is not None and not (self._outage and self._lane.is_away):
            return known
        try:
            await self._lane.do(Look(account))
        except Away:
            last = self._known.last(account)
            if self._outage is None or last is None:
                raise
            return await self._outage.added(account, last)
        return self._known.get(account) or ()

    async def flush(self) -> None:
        """Returns once everything queued before is durable in the database."""
        while True:
            await self._lane.flush()
            try:
                await self.book()
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def beat(self) -> None:
        """Says in the file that we are there while we hold something in it, and looks what others left."""
        if self._outage is not None and self._local:
            await self._outage.beat()
        self._to_book.set()

    async def book(self) -> None:
        """Brings the file's holds and charges into the database, and forgets the charges. Raises Unavailable."""
        if self._outage is None:
            return
        if self._lane.is_away:
            raise Away("the ledger's database is away")
        found = [kept for kept in await self._outage.read() if kept.charge or kept.attempt_id in self._local]
        if not found:
            return
        for kept in found:
            for move in _booked(kept):
                self._lane.keep(move)
        await self._lane.do(Look(Account()))
        ended = [kept.attempt_id for kept in found if kept.charge is not None]
        await self._outage.forget(ended)
        logger.info("charges made while the ledger's database was away are booked: %d", len(ended))

    async def _hold_in_file(self, outage: OutageBooks, reservation: Reservation) -> None:
        known = self._known.last(reservation.account)
        if known is None:
            raise Unavailable("the ledger's database is away, and nothing is known of this account's money")
        names = [line.attempt_id for line in reservation.lines]
        self._local.update(names)
        try:
            await outage.hold(reservation, known)
        except BaseException:
            self._local.difference_update(names)
            outage.release(names)
            raise

    async def _keep_booking(self) -> None:
        while True:
            await self._to_book.wait()
            self._to_book.clear()
            with suppress(Unavailable):
                await self.book()

    async def _enter(self, connection: AsyncConnection) -> None:
        """A new connection begins a new epoch: what an older one may still carry is refused from now on."""
        cursor = await connection.execute("select maestro_enter(%s, %s)", (self.owner, self._clock.said()))
        row = await cursor.fetchone()
        self._epoch = row[0] if row else 0
        self._to_book.set()

    async def _apply(self, connection: AsyncConnection, moves: Sequence[Move]) -> Sequence[Any]:
        batch = Batch(moves)
        said = (self.owner, self._epoch, self._clock.said(), batch.encode())
        cursor = await connection.execute("select maestro_apply(%s, %s, %s, %s::json)", said)
        row = await cursor.fetchone()
        applied = batch.read(row[0] if row else {})
        self._clock.heard(applied.now)
        self._known.refresh(moves, applied)
        return [applied.refusals.get(i) for i in range(len(moves))]


def _booked(kept: Kept) -> Sequence[Move]:
    account = kept.reservation.account
    adopted = Reserve(kept.reservation, is_forced=True)
    return (adopted,) if kept.charge is None else (adopted, Settle(account, kept.charge, Change(account)))


def _doubtful(move: Move) -> Move | None:
    """A hold that may have been made, although nobody was told so, is given back. One that was made before, and is
    only brought into the database, is brought again."""
    if isinstance(move, Reserve):
        return move if move.is_forced else Release(move.account, _names(move.reservation))
    return None


def _names(reservation: Reservation) -> tuple[str, ...]:
    return tuple(line.attempt_id for line in reservation.lines)
