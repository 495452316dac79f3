"""What every route of background work shares: the stores, and the keeper that carries tickets out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proxy.assembly import Rooms
from proxy.batches.carrier import Aisle, BatchCarrier
from proxy.runs.carrier import RunCarrier
from proxy.serving.gate import Gate
from proxy.settings import read_secret
from router.batches.files import FileStore
from router.errors import NotFound
from router.profiles.store import Configs, SqliteConfigs
from router.runs.feedback import SqliteWords, Words
from router.runs.hooks import Hooks
from router.runs.keeper import Keeper
from router.runs.sqlite import SqliteTickets
from router.runs.ticket import Kind, Ticket, Tickets
from router.task import Caller
from router.tools.guard import Allowance


@dataclass(frozen=True)
class Desk:
    """Built when the server starts. `hook_secret` signs webhooks whose client names no secret."""

    rooms: Rooms
    tickets: Tickets
    configs: Configs
    words: Words
    keeper: Keeper
    run_carrier: RunCarrier
    hook_secret: str | None
    files: FileStore

    async def find(self, kind: Kind, ticket_id: str, caller: Caller) -> Ticket:
        """A ticket that this caller may see. Raises NotFound."""
        ticket = await self.tickets.find(ticket_id) if ticket_id else None
        if ticket is None or ticket.kind != kind or not may_see(caller, ticket.account.team):
            raise not_found(kind, ticket_id)
        return ticket


def may_see(caller: Caller, team: str) -> bool:
    """A team sees its own; an operator everything."""
    return caller.is_operator or caller.team == team


def not_found(kind: str, name: str) -> NotFound:
    """The same words whether it is another team's or not there at all."""
    return NotFound(f"No {kind} found with id '{name[:80]}'.", f"{kind}_id", f"{kind}_not_found")


@asynccontextmanager
async def open_desk(rooms: Rooms, gate: Gate) -> AsyncIterator[Desk]:
    """From start to stop; at the end what still runs is put back for the next process."""
    ledger, settings = rooms.ledger, rooms.settings
    reader = ledger.new_reader()
    tickets = SqliteTickets(ledger.writer, reader, ledger.owner)
    resumes = settings.ledger.store_texts if settings.runs.resume is None else settings.runs.resume
    carrier = RunCarrier(rooms, tickets, resumes)
    hooks = Hooks(tickets, Allowance.of(settings.webhooks.hosts))
    configs, words = SqliteConfigs(ledger.writer, reader), SqliteWords(ledger.writer, reader)
    aisle = Aisle(settings.runs.batch_parallel, lambda: gate.inside > 0)
    batches = BatchCarrier(rooms, tickets, rooms.library, configs, aisle)
    keeper = Keeper(tickets, {"run": carrier, "batch": batches}, hooks.deliver)
    keeper.open()
    try:
        yield Desk(
            rooms, tickets, configs, words, keeper, carrier, read_secret(settings.webhooks.secret_env), rooms.library
        )
    finally:
        await keeper.close()
        await hooks.close()
        await reader.close()
