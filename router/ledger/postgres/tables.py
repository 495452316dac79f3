"""Background work on PostgreSQL: the statements of the embedded ledger's tables (tickets, configurations, feedback),
which keep to the SQL that both databases know, one writer at a time in the whole fleet as SQLite has it.

Money does not go this way (see lane.py); these tables see a few statements for each run that outlives its request.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar, cast

import psycopg
from psycopg import ClientCursor, Connection

from router.errors import Unavailable
from router.ledger.postgres.session import OPTIONS, database_errors

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
LOCK = 0x7461626C
RETRY_SECONDS = 0.5
WAIT_MILLISECONDS = 4000
_PLACES = re.compile(r"'[^']*'|\?|%|(?<![:\w]):([a-z_]+)")


@lru_cache(1024)
def translate(statement: str) -> str:
    """The same statement with psycopg's places: `?` and `:name` become `%s` and `%(name)s`."""

    def place(found: re.Match[str]) -> str:
        said = found[0]
        if said == "?":
            return "%s"
        if said.startswith(":"):
            return f"%({found[1]})s"
        return said.replace("%", "%%")

    return _PLACES.sub(place, statement)


class Statements:
    """What a statement of the embedded ledger asks of its connection, on a connection of PostgreSQL."""

    def __init__(self, connection: "Connection[Any]") -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> "ClientCursor[Any]":
        """Runs it."""
        cursor = ClientCursor(self._connection)
        return cursor.execute(cast(Any, translate(statement)), storable(values))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> None:
        """Runs it for each row."""
        for row in rows:
            self.execute(statement, row)


class Tables:
    """A connection on a thread of its own, with the words of the embedded ledger's `Writer` and `Reader`."""

    def __init__(self, url: str, writes: bool) -> None:
        self._url = url
        self._writes = writes
        self._thread = ThreadPoolExecutor(1, "ledger-tables")
        self._connection: Connection[Any] | None = None
        self._kept: set[asyncio.Task[None]] = set()

    async def do(self, work: Work[T]) -> T:
        """Runs `work` in a transaction; returns once it is durable. Raises what it raises, or Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def keep(self, work: Work[Any]) -> None:
        """Queues work that must become durable; it is tried until it does."""
        task = asyncio.create_task(self._insist(work))
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def flush(self) -> None:
        """Returns once everything queued before is durable."""
        await asyncio.gather(*self._kept)

    async def close(self) -> None:
        """Waits for the last statement, gives up what could not be written, and ends."""
        if self._kept:
            await asyncio.wait(list(self._kept), timeout=RETRY_SECONDS * 4)
        for task in list(self._kept):
            task.cancel()
        await asyncio.gather(*self._kept, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        self._thread.shutdown()

    async def _insist(self, work: Work[Any]) -> None:
        while True:
            try:
                await self.do(work)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _run(self, work: Work[T]) -> T:
        with database_errors():
            try:
                return self._in_transaction(work)
            except psycopg.OperationalError:
                self._drop()
                raise

    def _in_transaction(self, work: Work[T]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, **OPTIONS)
            self._connection.execute(f"set statement_timeout = {WAIT_MILLISECONDS}".encode())
        with self._connection.transaction():
            if self._writes:
                self._connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            return work(cast(sqlite3.Connection, Statements(self._connection)))

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def storable(values: Sequence[Any] | Mapping[str, Any]) -> Any:
    """Values as the database takes them."""
    if isinstance(values, Mapping):
        return {name: _plain(value) for name, value in values.items()}
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """Truth is 0 or 1 in these tables, and text holds no NUL."""
    if isinstance(value, bool):
        return int(value)
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
