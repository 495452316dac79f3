"""A journal on PostgreSQL: collectors on any machines claim cells of it, each its own, and take in those of the dead.

Each journal is a schema. A collector's connection holds an advisory lock of its name: the database lets go of it when
the connection ends, as a file's lock ends with its process, and when a machine has been silent for half a minute. Who
has lost it can write no more: a journal whose database goes away ends its collectors, and the next start goes on.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, sql

from router.ledger.postgres.session import OPTIONS
from router.ledger.postgres.tables import Statements
from scripts.offline.journal_database import JournalError, Shared
from scripts.offline.schema import SCHEMA

LIVELY = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
OWNERS = "create table if not exists owners (id text primary key, alive_at double precision not null)"
LOCK = 0x6A6F7572
_NOW = "extract(epoch from clock_timestamp())::double precision"


class PostgresJournal:
    """The `JournalDatabase` of a schema."""

    claiming = " for update skip locked"
    locking = " for update"

    def __init__(self, place: Shared) -> None:
        self._lock = threading.Lock()
        schema = sql.Identifier(f"journal_{place.name}")
        try:
            self.connection: Connection[Any] = psycopg.connect(place.url, **OPTIONS, options=LIVELY)
            with self.connection.transaction():
                self.connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
                self.connection.execute(sql.SQL("create schema if not exists {}").format(schema))
                self.connection.execute(sql.SQL("set local search_path = {}").format(schema))
                self.connection.execute(SCHEMA.replace(" without rowid", "").encode())
                self.connection.execute(OWNERS)
            self.connection.execute(sql.SQL("set search_path = {}").format(schema))
            self.lease = PostgresLease(ManyStatements(self.connection), place.name)
        except psycopg.Error as error:
            raise JournalError(f"the journal cannot be opened: {error}") from None

    @contextmanager
    def transaction(self) -> Iterator["ManyStatements"]:
        """All or nothing. Raises JournalError where the database is away."""
        try:
            with self._lock, self.connection.transaction():
                yield ManyStatements(self.connection)
        except psycopg.Error as error:
            raise JournalError(
                f"the journal's database failed ({type(error).__name__}); start again to go on"
            ) from None

    reading = transaction

    def close(self) -> None:
        """Closes the connection, and with it the lock."""
        self.connection.close()


class ManyStatements(Statements):
    """Counts what it changed."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> int:  # type: ignore[override]
        """One for each row; how many were changed."""
        return sum(self.execute(statement, row).rowcount for row in rows)


class PostgresLease:
    """The `Lease`: dead is whose lock is free."""

    clock = staticmethod(time.time)

    def __init__(self, db: Statements, journal: str) -> None:
        self.own = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        self._db = db
        self._journal = journal
        db.execute("select pg_advisory_lock(hashtextextended(?, ?))", (self._name(self.own), LOCK))
        self.beat()

    def beat(self) -> None:
        """Says that we are there."""
        self._db.execute(
            f"insert into owners values (?, {_NOW}) on conflict (id) do update set alive_at = excluded.alive_at",
            (self.own,),
        )

    def leave(self) -> None:
        """Says that we are not any more."""
        self._db.execute("delete from owners where id = ?", (self.own,))

    def bury(self) -> list[str]:
        """Forgets the collectors that are dead, and names them. Two who bury at once share them out."""
        others = self._db.execute("select id from owners where id != ? for update skip locked", (self.own,)).fetchall()
        dead = [name for (name,) in others if self._is_free(name)]
        for name in dead:
            self._db.execute("delete from owners where id = ?", (name,))
        return dead

    def _is_free(self, name: str) -> bool:
        asked = "select pg_try_advisory_xact_lock(hashtextextended(?, ?))"
        return bool(self._db.execute(asked, (self._name(name), LOCK)).fetchone()[0])  # type: ignore[index]

    def _name(self, name: str) -> str:
        return f"{self._journal}/{name}"
