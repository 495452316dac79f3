"""Carries tickets out: begins them, takes up what another process left, hears of cancels, forgets what has expired."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from router.errors import MaestroError, Unavailable
from router.ledger.owners import Lookout
from router.runs.ticket import NOBODY, End, Kind, Ticket, Tickets

log = logging.getLogger("maestro.runs")
LOOK_SECONDS = 1.0
FORGET_EVERY = 60
MOST_TRIES = 5
FINISH_TRIES = 10
INTERRUPTED = "The run was interrupted by a restart; its spend is settled."


class Carrier(Protocol):
    """Knows how to carry out one kind of ticket, and how its end is shown."""

    async def carry(self, ticket: Ticket) -> End:
        """To the end. Raises MaestroError where it failed."""
        ...

    def failed(self, ticket: Ticket, message: str) -> End:
        """The end of one that failed."""
        ...

    def cancelled(self, ticket: Ticket) -> Awaitable[End]:
        """The end of one that was cancelled."""
        ...

    def can_resume(self, ticket: Ticket) -> bool:
        """Is all there that is needed to take it up again?"""
        ...


class Keeper:
    """The tickets that this process carries out. Whoever starts it closes it: what still runs is then put back."""

    def __init__(
        self, tickets: Tickets, carriers: Mapping[Kind, Carrier], each_look: Callable[[], Awaitable[None]]
    ) -> None:
        self.tickets = tickets
        self._carriers = carriers
        self._each_look = each_look
        self._lookout = Lookout()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._loop: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begins to look after what others left."""
        self._loop = asyncio.create_task(self._look_after())

    def begin(self, ticket: Ticket) -> None:
        """Carries out a ticket of this process."""
        running = asyncio.create_task(self._carry(ticket))
        self._running[ticket.id] = running
        running.add_done_callback(lambda _: self._running.pop(ticket.id, None))

    async def cancel(self, ticket_id: str, patience_seconds: float = 5.0) -> Ticket | None:
        """Asks for an end, waits for it so long, and tells how the ticket stands then."""
        await self.tickets.ask_cancel(ticket_id)
        self._stop(ticket_id)
        for _ in range(round(patience_seconds / 0.05)):
            ticket = await self.tickets.find(ticket_id)
            if ticket is None or ticket.status != "open":
                return ticket
            await asyncio.sleep(0.05)
        return await self.tickets.find(ticket_id)

    async def look(self) -> None:
        """Once: cancels what it was asked to, takes up what was left."""
        for ticket, beat in await self.tickets.open_tickets():
            if ticket.owner == self.tickets.owner:
                if ticket.cancel_at is not None:
                    self._stop(ticket.id)
            elif ticket.owner == NOBODY or self._lookout.is_gone(ticket.owner, beat):
                await self._take_up(ticket)
        await self._each_look()

    async def close(self) -> None:
        """Ends what runs here; what can be resumed is put back, the rest has failed."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait((self._loop,))
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _stop(self, ticket_id: str) -> None:
        running = self._running.get(ticket_id)
        if running is not None and ticket_id not in self._cancelled:
            self._cancelled.add(ticket_id)
            running.cancel()

    async def _take_up(self, ticket: Ticket) -> None:
        if not await self.tickets.claim(ticket):
            return
        carrier = self._carriers[ticket.kind]
        if ticket.cancel_at is not None:
            await self._finish(ticket, await carrier.cancelled(ticket))
        elif ticket.tries >= MOST_TRIES or not carrier.can_resume(ticket):
            await self._finish(ticket, carrier.failed(ticket, INTERRUPTED))
        else:
            log.info("%s %s is taken up again", ticket.kind, ticket.id)
            self.tickets.tell(ticket.id, f"{ticket.kind}.resumed", {"tries": ticket.tries + 1})
            self.begin(ticket)

    async def _carry(self, ticket: Ticket) -> None:
        """The outermost edge of work that nobody waits for."""
        carrier = self._carriers[ticket.kind]
        try:
            end = await carrier.carry(ticket)
        except asyncio.CancelledError:
            await self._interrupted(ticket, carrier)
            return
        except MaestroError as error:
            end = carrier.failed(ticket, error.message)
        except Exception:
            log.exception("%s %s failed", ticket.kind, ticket.id)
            end = carrier.failed(ticket, "The server had an error while carrying this out.")
        await self._finish(ticket, end)

    async def _interrupted(self, ticket: Ticket, carrier: Carrier) -> None:
        """Its client cancelled it, or this process ends."""
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        if ticket.id in self._cancelled:
            self._cancelled.discard(ticket.id)
            await self._finish(ticket, await carrier.cancelled(ticket))
        elif carrier.can_resume(ticket):
            await self.tickets.put_back(ticket)
        else:
            await self._finish(ticket, carrier.failed(ticket, INTERRUPTED))

    async def _finish(self, ticket: Ticket, end: End) -> None:
        """A ledger that cannot be written for a moment is tried again, ten times."""
        for _ in range(FINISH_TRIES):
            try:
                await self.tickets.finish(ticket, end)
            except Unavailable as error:
                log.warning("the end of %s %s waits: %s", ticket.kind, ticket.id, error.message)
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return
        log.error("the end of %s %s could not be stored", ticket.kind, ticket.id)

    async def _look_after(self) -> None:
        looks = 0
        while True:
            try:
                await self.look()
                if looks % FORGET_EVERY == 0:
                    await self.tickets.forget_expired()
            except MaestroError as error:
                log.warning("background work waits: %s", error.message)
            except Exception:
                log.exception("looking after background work failed")
            looks += 1
            await asyncio.sleep(LOOK_SECONDS)
