"""Where a journal is: in an SQLite file for the collectors of one machine, or on PostgreSQL for those of any."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from router.write_ahead import enter_wal
from scripts.offline.owners import Owners
from scripts.offline.schema import SCHEMA

BUSY_SECONDS = 30.0


class JournalError(Exception):
    """The journal belongs to other tasks, or cannot be opened."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A journal on PostgreSQL: a schema of its own in this database."""

    url: str
    name: str


class Statements(Protocol):
    """Runs statements with places `?`; `executemany` tells how many rows were changed."""

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """One; what it returns has `fetchone`, `fetchall` and `rowcount`."""
        ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """One for each row."""
        ...


class Lease(Protocol):
    """Who of the collectors this one is, and who of the others died. Called inside a transaction of the journal."""

    own: str
    clock: Callable[[], float]

    def beat(self) -> None:
        """Says that we are there."""
        ...

    def leave(self) -> None:
        """Says that we are not any more."""
        ...

    def bury(self) -> list[str]:
        """Forgets the collectors that are dead, and names them."""
        ...


class JournalDatabase(Protocol):
    """Short transactions, from any thread, durable on return."""

    @property
    def lease(self) -> Lease:
        """Ours."""
        ...

    @property
    def claiming(self) -> str:
        """Ends a select of rows that are then claimed: those that another claims now are passed over."""
        ...

    @property
    def locking(self) -> str:
        """Ends a select of a row that is then changed."""
        ...

    def transaction(self) -> AbstractContextManager[Statements]:
        """All or nothing. Raises JournalError where the database is away."""
        ...

    def reading(self) -> AbstractContextManager[Statements]:
        """For one select. Raises JournalError where the database is away."""
        ...

    def close(self) -> None:
        """Closes the connection; the lease was given up before."""
        ...


def place_of(said: str | None, tasks: Path) -> Path | Shared:
    """As said: a file, or `postgresql://…` and after `#` the journal's name; default: a file beside the tasks."""
    if said is None:
        return tasks.with_suffix(".journal.db")
    if not said.startswith(("postgresql://", "postgres://")):
        return Path(said)
    url, _, name = said.partition("#")
    return Shared(url, re.sub(r"\W", "_", (name or tasks.stem).lower())[:40])


def open_database(place: Path | Shared, clock: Callable[[], float] = time.time) -> JournalDatabase:
    """Makes it if there is none. Raises JournalError."""
    if isinstance(place, Path):
        return FileDatabase(place, clock)
    try:
        from scripts.offline.shared_journal import PostgresJournal
    except ImportError as error:
        raise JournalError(f"a journal on PostgreSQL needs the extra 'postgres' ({error})") from None
    return PostgresJournal(place)


class FileDatabase:
    """A file; one writer at a time, who has all of it."""

    claiming = ""
    locking = ""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
            enter_wal(self.connection, BUSY_SECONDS)
            self.connection.execute("pragma synchronous = full")
            self.connection.executescript(SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"{path}: {error}") from None
        self.lease = Owners(path, self.connection, clock)

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        """All or nothing."""
        with self._lock:
            self.connection.execute("begin immediate")
            try:
                yield FileStatements(self.connection)
            except BaseException:
                self.connection.execute("rollback")
                raise
            self.connection.execute("commit")

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Nobody waits for a select."""
        with self._lock:
            yield FileStatements(self.connection)

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()


class FileStatements:
    """On the connection of a file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """One."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """One for each row; how many were changed."""
        return self._connection.executemany(statement, rows).rowcount
