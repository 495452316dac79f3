"""One thread that writes: whatever has queued up is committed together, so that one fsync serves many."""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from router.errors import MaestroError, Unavailable
from router.ledger.bell import Bell
from router.ledger.migrations import MIGRATIONS, Database
from router.write_ahead import enter_wal

logger = logging.getLogger("maestro.ledger")
T = TypeVar("T")
MOST_JOBS_A_COMMIT = 512
BUSY_SECONDS = 5.0
TURN_SECONDS = 0.0005
"""How often a writer looks whether another process has committed. SQLite's own waits grow to 100 ms, while the other
writes again and again."""
RETRY_SECONDS = 0.2
LINGER_SECONDS = 0.001
"""How long charges that nobody waits for may wait for company: the next hold is committed with them, by one fsync."""
MIGRATION_ATTEMPTS = 20
FAULTS = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    ValueError,
    TypeError,
    ArithmeticError,
)
"""What a job's own values cause (a number beyond 64 bits, a missing column): trying again would never help."""


@dataclass(slots=True)
class Job:
    """Work on the connection inside a transaction. It raises MaestroError only before it has written anything.

    `done` is told the result on its own event loop; a job without it is kept and tried again until it is durable. One
    that cannot be stored, ever, is given up alone: a charge leaves its hold open, to be charged at worst case.
    A job that `joins` adds to the sums, or has nothing to do with them; the sums are written before any other.
    """

    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any] | None = None
    joins: bool = False


Answer = tuple[Job, Any, MaestroError | None]


class Sums(Protocol):
    """What jobs that join add up, so that one statement writes it for all of them. Called on the writer's thread."""

    def write(self, db: sqlite3.Connection) -> None:
        """Before a job that does not join: what was added up is written."""
        ...

    def conclude(self, db: sqlite3.Connection) -> None:
        """The same before a commit."""
        ...

    def committed(self) -> None:
        """What was written is durable."""
        ...

    def undone(self) -> None:
        """The transaction was rolled back: nothing was added."""
        ...


class NoSums:
    """Nothing is added up."""

    def write(self, db: sqlite3.Connection) -> None:
        """Nothing."""

    def conclude(self, db: sqlite3.Connection) -> None:
        """Nothing."""

    def committed(self) -> None:
        """Nothing."""

    def undone(self) -> None:
        """Nothing."""


class Writer:
    """Owns the one connection that writes. Several processes may each have one: SQLite lets them take turns."""

    def __init__(self, path: Path, durability: Literal["full", "normal"] = "full", sums: Sums | None = None) -> None:
        self._path = path
        self._durability = durability
        self._sums: Sums = NoSums() if sums is None else sums
        self._jobs: deque[Job] = deque()
        self._bell = Bell()
        self._is_behind = False
        self._kept: list[Job] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Opens the file, brings the schema forward, starts the thread. Raises Unavailable."""
        try:
            with contextlib.closing(connect(self._path, self._durability)) as connection:
                migrate(connection)
        except sqlite3.Error as error:
            raise Unavailable(f"the ledger cannot be opened: {error}") from error
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], T], joins: bool = False) -> T:
        """Runs `work` in the next commit and returns once it is durable. Raises what it raises, or Unavailable."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.append(Job(work, done, joins))
        self._bell.ring_soon(loop)
        return await done

    def keep(self, work: Callable[[sqlite3.Connection], Any], joins: bool = False) -> None:
        """Queues work that must become durable, and returns at once; it is tried until it succeeds."""
        self._jobs.append(Job(work, joins=joins))
        self._bell.ring_within(LINGER_SECONDS)

    async def flush(self) -> None:
        """Returns once everything queued before is durable."""
        while True:
            await self.do(lambda _: None)
            if not self._kept:
                return
            await asyncio.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Commits what is queued and ends the thread."""
        if self._thread.is_alive():
            self._closing.set()
            self._bell.ring()
            self._thread.join()

    def _run(self) -> None:
        connection = connect(self._path, self._durability)
        connection.execute("pragma busy_timeout = 0")  # `_begin` waits for its turn itself
        try:
            while not self._closing.is_set() or self._jobs:
                if not self._is_behind:
                    self._bell.wait(RETRY_SECONDS if self._kept else None)
                self._commit(connection, self._take(MOST_JOBS_A_COMMIT), MOST_JOBS_A_COMMIT)
        finally:
            self._commit(connection, [])
            connection.close()

    def _take(self, most: int) -> list[Job]:
        """What has queued up, in order."""
        batch = [self._jobs.popleft() for _ in range(min(len(self._jobs), most))]
        self._is_behind = len(batch) == most
        return batch

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Waits for its turn among the processes."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                connection.execute("begin immediate")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            else:
                return
            time.sleep(TURN_SECONDS)

    def _commit(self, connection: sqlite3.Connection, batch: list[Job], most: int = 0) -> None:
        """All in one transaction, and what has queued up until its turn came, up to `most`; if that fails, must-succeed
        jobs are kept and the others are told."""
        jobs, self._kept = [*self._kept, *batch], []
        if not jobs:
            return
        answers: list[Answer] = []
        try:
            self._begin(connection)
            if len(jobs) < most:
                jobs += self._take(most - len(jobs))
            for job in jobs:
                if not job.joins:
                    self._sums.write(connection)
                answers.append(_work(connection, job))
            self._sums.conclude(connection)
            connection.execute("commit")
            self._sums.committed()
        except FAULTS as fault:
            self._undo(connection)
            answers = self._part(connection, jobs, fault)
        except sqlite3.Error as error:
            self._undo(connection)
            logger.error("the ledger could not be written (%s); charges are kept and tried again", error)
            refusal = Unavailable(f"the ledger cannot be written: {error}")
            self._kept += [job for job in jobs if job.done is None]
            answers = [(job, None, refusal) for job in jobs if job.done is not None]
        _tell(answers)

    def _undo(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("rollback")
        self._sums.undone()

    def _part(self, connection: sqlite3.Connection, jobs: list[Job], fault: Exception) -> list[Answer]:
        """One job of a batch is at fault: each is committed alone, and that one is given up."""
        if len(jobs) == 1:
            logger.error("the ledger cannot store one entry (%s); it is given up", fault)
            return [(jobs[0], None, Unavailable(f"the ledger cannot store this: {fault}"))]
        waiting = self._kept
        for job in jobs:
            self._kept = []
            self._commit(connection, [job])
            waiting += self._kept
        self._kept = waiting
        return []


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the schema forward. Several processes may do so at once: whoever is late finds nothing left to do."""
    database = Database(connection)
    for attempt in range(MIGRATION_ATTEMPTS):
        try:
            MIGRATIONS.apply(database)
        except sqlite3.OperationalError:
            if attempt == MIGRATION_ATTEMPTS - 1:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return


def _work(connection: sqlite3.Connection, job: Job) -> Answer:
    if job.done is not None and job.done.cancelled():
        return job, None, None
    try:
        return job, job.work(connection), None
    except MaestroError as refusal:
        return job, None, refusal


def _tell(answers: list[Answer]) -> None:
    """Wakes each event loop once for all its answers."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
    for answer in answers:
        if answer[0].done is not None:
            by_loop.setdefault(answer[0].done.get_loop(), []).append(answer)
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # a loop that was closed meanwhile has nobody waiting
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(answers: list[Answer]) -> None:
    for job, result, refusal in answers:
        if job.done is None or job.done.done():
            continue
        if refusal is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(refusal)


def connect(path: Path, durability: str = "full") -> sqlite3.Connection:
    """A connection in WAL mode without implicit transactions, waiting its turn for up to five seconds."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    enter_wal(connection, BUSY_SECONDS)
    connection.execute(f"pragma synchronous = {'full' if durability == 'full' else 'normal'}")
    connection.execute("pragma foreign_keys = on")
    return connection
