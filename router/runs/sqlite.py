"""Tickets in the embedded ledger: writes by its writer, reads on a connection of their own."""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from router.errors import KeyReused
from router.ledger.ledger import Account
from router.ledger.reader import Reader
from router.ledger.writer import Writer
from router.runs.ticket import NOBODY, End, Hook, Once, Page, Ticket, Told

_TICKET = (
    *("id", "kind", "team", "key_id", "created_at", "expires_at", "status", "owner", "request", "caller", "shown"),
    *("cancel_at", "tries"),
)
_SELECT = f"select {', '.join(_TICKET)} from tickets"
_HOOK = ("id", "url", "secret", "event", "data", "tries")


class SqliteTickets:
    """The `Tickets` of one SQLite file. `owner` is this process, as the ledger's heartbeat names it."""

    def __init__(self, writer: Writer, reader: Reader, owner: str, now: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._reader = reader
        self.owner = owner
        self._now = now

    async def put(self, ticket: Ticket, once: Once | None = None) -> Ticket:
        """Stores it, or finds the one of the same key. Raises KeyReused."""
        return await self._writer.do(lambda db: _put(db, ticket, once))

    async def find(self, ticket_id: str) -> Ticket | None:
        """A ticket, or None."""
        return await self._reader.do(lambda db: _find(db, ticket_id))

    async def list_page(self, page: Page) -> Sequence[Ticket]:
        """Tickets in order."""
        return await self._reader.do(lambda db: _list(db, page))

    async def show(self, ticket_id: str, shown: Mapping[str, Any]) -> None:
        """Changes what is shown of an open ticket."""
        said = (json.dumps(shown), ticket_id, self.owner)
        sql = "update tickets set shown = ? where id = ? and owner = ? and status = 'open'"
        self._writer.keep(lambda db: db.execute(sql, said))

    async def ask_cancel(self, ticket_id: str) -> None:
        """Asks whoever carries it out to stop."""
        sql = "update tickets set cancel_at = ? where id = ? and status = 'open' and cancel_at is null"
        now = self._now()
        await self._writer.do(lambda db: db.execute(sql, (now, ticket_id)).rowcount)

    async def finish(self, ticket: Ticket, end: End) -> bool:
        """Ends an open ticket of this process."""
        now = self._now()
        return await self._writer.do(lambda db: _finish(db, ticket, self.owner, end, now))

    async def open_tickets(self) -> Sequence[tuple[Ticket, float]]:
        """All that are open, with their owners' heartbeats."""
        return await self._reader.do(_open_tickets)

    async def claim(self, ticket: Ticket) -> bool:
        """Takes a ticket from its owner."""
        sql = "update tickets set owner = ?, tries = tries + 1 where id = ? and owner = ? and status = 'open'"
        said = (self.owner, ticket.id, ticket.owner)
        return bool(await self._writer.do(lambda db: db.execute(sql, said).rowcount))

    async def put_back(self, ticket: Ticket) -> None:
        """Gives it to whoever comes first."""
        sql = "update tickets set owner = ? where id = ? and owner = ? and status = 'open'"
        await self._writer.do(lambda db: db.execute(sql, (NOBODY, ticket.id, self.owner)).rowcount)

    def tell(self, ticket_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """Queues an entry of its log."""
        now = self._now()
        self._writer.keep(lambda db: _tell(db, ticket_id, kind, data, now))

    async def read_log(self, ticket_id: str, after: int = 0, limit: int = 1000) -> Sequence[Told]:
        """Entries after one of them."""
        return await self._reader.do(lambda db: _read_log(db, ticket_id, after, limit))

    async def forget_log(self, ticket_id: str, kind: str) -> None:
        """Forgets entries of one kind."""
        said = (ticket_id, kind)
        sql = "delete from ticket_log where ticket_id = ? and kind = ?"
        await self._writer.do(lambda db: db.execute(sql, said).rowcount)

    async def delete(self, ticket_id: str) -> None:
        """Forgets a ticket that is not open."""
        await self._writer.do(lambda db: _delete(db, [ticket_id]))

    async def forget_expired(self) -> int:
        """Forgets what has expired."""
        now = self._now()
        return await self._writer.do(lambda db: _forget(db, now))

    async def spent(self, run_id: str) -> tuple[int, int]:
        """Nanodollars and calls of a run so far, at worst case where a call was not settled."""
        sql = "select coalesce(sum(coalesce(nanodollars, held)), 0), count(*) from lines where run_id = ?"
        spent, calls = await self._writer.do(lambda db: db.execute(sql, (run_id,)).fetchone())
        return int(spent), int(calls)

    async def due_hooks(self, patience_seconds: float) -> Sequence[Hook]:
        """Takes the webhooks that are due."""
        now = self._now()
        waiting = await self._reader.do(lambda db: db.execute("select min(due_at) from hooks").fetchone()[0])
        if waiting is None or waiting > now:
            return ()
        return await self._writer.do(lambda db: _due_hooks(db, now, patience_seconds))

    async def close_hook(self, hook_id: str, next_at: float | None) -> None:
        """It was told or given up, or is due again then."""
        if next_at is None:
            await self._writer.do(lambda db: db.execute("delete from hooks where id = ?", (hook_id,)).rowcount)
            return
        await self._writer.do(
            lambda db: db.execute("update hooks set due_at = ? where id = ?", (next_at, hook_id)).rowcount
        )


def _put(db: sqlite3.Connection, ticket: Ticket, once: Once | None) -> Ticket:
    account = ticket.account
    if once is not None:
        row = db.execute(
            "select id, fingerprint from tickets where kind = ? and team = ? and key_id = ? and once = ?",
            (ticket.kind, account.team, account.key_id, once.key),
        ).fetchone()
        if row is not None:
            return _same(db, row, once)
    values = (
        *(ticket.id, ticket.kind, account.team, account.key_id, ticket.created_at, ticket.expires_at, ticket.status),
        *(ticket.owner, ticket.request, ticket.caller, json.dumps(ticket.shown), ticket.cancel_at, ticket.tries),
        *((once.key, once.fingerprint) if once else (None, None)),
    )
    places = ", ".join("?" * len(values))
    db.execute(f"insert into tickets ({', '.join(_TICKET)}, once, fingerprint) values ({places})", values)
    return ticket


def _same(db: sqlite3.Connection, row: tuple[str, str], once: Once) -> Ticket:
    if row[1] != once.fingerprint:
        raise KeyReused(f"The idempotency key '{once.key[:80]}' was used before with a different request.")
    found = _find(db, row[0])
    assert found is not None
    return found


def _find(db: sqlite3.Connection, ticket_id: str) -> Ticket | None:
    row = db.execute(f"{_SELECT} where id = ?", (ticket_id,)).fetchone()
    return None if row is None else _ticket(row)


def _ticket(row: Sequence[Any]) -> Ticket:
    named = dict(zip(_TICKET, row, strict=True))
    account = Account(named.pop("team"), named.pop("key_id"))
    return Ticket(account=account, **{**named, "shown": json.loads(named["shown"])})


def _list(db: sqlite3.Connection, page: Page) -> list[Ticket]:
    than, order = (">", "asc") if page.ascending else ("<", "desc")
    rows = db.execute(
        f"""{_SELECT} where kind = :kind and (:team is null or team = :team) and (:status is null or status = :status)
            and (:after is null or (created_at, id) {than} (select created_at, id from tickets where id = :after))
            order by created_at {order}, id {order} limit :limit""",
        {"kind": page.kind, "team": page.team, "status": page.status, "after": page.after, "limit": page.limit},
    ).fetchall()
    return [_ticket(row) for row in rows]


def _finish(db: sqlite3.Connection, ticket: Ticket, owner: str, end: End, now: float) -> bool:
    ended = db.execute(
        """update tickets set status = ?, shown = ?, request = null, caller = '{}'
           where id = ? and owner = ? and status = 'open'""",
        (end.status, json.dumps(end.shown), ticket.id, owner),
    ).rowcount
    if ended:
        _tell(db, ticket.id, f"{ticket.kind}.{end.status}", {"status": end.status}, now)
    if ended and end.hook is not None:
        hook = end.hook
        db.execute(
            f"insert into hooks ({', '.join(_HOOK)}, due_at) values (?, ?, ?, ?, ?, ?, ?)",
            (hook.id, hook.url, hook.secret, hook.event, json.dumps(hook.data), hook.tries, now),
        )
    return bool(ended)


def _open_tickets(db: sqlite3.Connection) -> list[tuple[Ticket, float]]:
    columns = ", ".join(f"tickets.{name}" for name in _TICKET)
    rows = db.execute(
        f"""select {columns}, coalesce(owners.alive_at, 0) from tickets left join owners on owners.id = tickets.owner
            where status = 'open' order by created_at, tickets.id"""
    ).fetchall()
    return [(_ticket(row[:-1]), row[-1]) for row in rows]


def _tell(db: sqlite3.Connection, ticket_id: str, kind: str, data: Mapping[str, Any], now: float) -> None:
    db.execute(
        """insert into ticket_log (ticket_id, number, at, kind, data)
           select ?, coalesce(max(number), 0) + 1, ?, ?, ? from ticket_log where ticket_id = ?""",
        (ticket_id, now, kind, json.dumps(data), ticket_id),
    )


def _read_log(db: sqlite3.Connection, ticket_id: str, after: int, limit: int) -> list[Told]:
    rows = db.execute(
        "select number, at, kind, data from ticket_log where ticket_id = ? and number > ? order by number limit ?",
        (ticket_id, after, limit),
    ).fetchall()
    return [Told(number, at, kind, json.loads(data)) for number, at, kind, data in rows]


def _delete(db: sqlite3.Connection, ticket_ids: Sequence[str]) -> int:
    count = 0
    for ticket_id in ticket_ids:
        gone = db.execute("delete from tickets where id = ? and status != 'open'", (ticket_id,)).rowcount
        if gone:
            db.execute("delete from ticket_log where ticket_id = ?", (ticket_id,))
        count += gone
    return count


def _forget(db: sqlite3.Connection, now: float) -> int:
    rows = db.execute("select id from tickets where expires_at < ? and status != 'open' limit 1000", (now,)).fetchall()
    return _delete(db, [row[0] for row in rows])


def _due_hooks(db: sqlite3.Connection, now: float, patience_seconds: float) -> list[Hook]:
    rows = db.execute(f"select {', '.join(_HOOK)} from hooks where due_at <= ? limit 100", (now,)).fetchall()
    again = [(now + patience_seconds, row[0]) for row in rows]
    db.executemany("update hooks set due_at = ?, tries = tries + 1 where id = ?", again)
    return [Hook(**{**dict(zip(_HOOK, row, strict=True)), "data": json.loads(row[4])}) for row in rows]
