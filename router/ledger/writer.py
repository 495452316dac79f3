"""One thread that writes: whatever has queued up is committed together, so that one fsync serves many."""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlite_utils import Database

from router.errors import MaestroError, Unavailable
from router.ledger.migrations import MIGRATIONS

logger = logging.getLogger("maestro.ledger")
T = TypeVar("T")
MOST_JOBS_A_COMMIT = 512
BUSY_SECONDS = 5.0
RETRY_SECONDS = 0.2


@dataclass(slots=True)
class Job:
    """Work on the connection inside a transaction. It raises MaestroError only before it has written anything.

    `must_succeed` jobs are kept and tried again until they are durable.
    """

    work: Callable[[sqlite3.Connection], Any]
    done: Future[Any]
    must_succeed: bool = False


class Writer:
    """Owns the one connection that writes. Several processes may each have one: SQLite lets them take turns."""

    def __init__(
        self,
        path: Path,
        durability: Literal["full", "normal"] = "full",
        after_commit: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._durability = durability
        self._after_commit = after_commit
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._kept: list[Job] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Opens the file, brings the schema forward, starts the thread. Raises Unavailable."""
        try:
            connection = connect(self._path, self._durability)
            MIGRATIONS.apply(Database(connection))
            connection.close()
        except sqlite3.Error as error:
            raise Unavailable(f"the ledger cannot be opened: {error}") from error
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in the next commit and returns once it is durable. Raises what it raises, or Unavailable."""
        job = self._put(work, must_succeed=False)
        result: T = await asyncio.wrap_future(job.done)
        return result

    def keep(self, work: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        """Queues work that must become durable, and returns at once; it is tried until it succeeds."""
        return self._put(work, must_succeed=True).done

    def do_blocking(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `do`, for the command line."""
        result: T = self._put(work, must_succeed=False).done.result()
        return result

    def close(self) -> None:
        """Commits what is queued and ends the thread."""
        if self._thread.is_alive():
            self._closing.set()
            self._jobs.put(None)
            self._thread.join()

    def _put(self, work: Callable[[sqlite3.Connection], Any], must_succeed: bool) -> Job:
        job = Job(work, Future(), must_succeed)
        self._jobs.put(job)
        return job

    def _run(self) -> None:
        connection = connect(self._path, self._durability)
        try:
            while True:
                batch, ends = self._take()
                self._commit(connection, batch)
                if ends and (not self._kept or self._closing.is_set()):
                    break
        finally:
            self._commit(connection, [])
            connection.close()

    def _take(self) -> tuple[list[Job], bool]:
        """What has queued up; blocks for the first, a short while only if kept jobs wait to be tried again."""
        batch: list[Job] = []
        try:
            job = self._jobs.get(timeout=RETRY_SECONDS if self._kept else None)
            while job is not None:
                batch.append(job)
                if len(batch) >= MOST_JOBS_A_COMMIT:
                    return batch, False
                job = self._jobs.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _commit(self, connection: sqlite3.Connection, batch: list[Job]) -> None:
        """All in one transaction; if that fails, must-succeed jobs are kept and the others are told."""
        jobs, self._kept = [*self._kept, *batch], []
        if not jobs:
            return
        answers: list[tuple[Job, Any, MaestroError | None]] = []
        try:
            connection.execute("begin immediate")
            for job in jobs:
                answers.append(_work(connection, job))
            connection.execute("commit")
            self._after_commit(connection)
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("rollback")
            self._put_off(connection, jobs, error)
            return
        for job, result, refusal in answers:
            if job.done.cancelled():
                continue
            if refusal is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(refusal)

    def _put_off(self, connection: sqlite3.Connection, jobs: list[Job], error: sqlite3.Error) -> None:
        logger.error("the ledger could not be written (%s); charges are kept and tried again", error)
        for job in jobs:
            if job.must_succeed:
                self._kept.append(job)
            elif not job.done.cancelled():
                job.done.set_exception(Unavailable(f"the ledger cannot be written: {error}"))


def _work(connection: sqlite3.Connection, job: Job) -> tuple[Job, Any, MaestroError | None]:
    if not job.must_succeed and not job.done.set_running_or_notify_cancel():
        return job, None, None
    try:
        return job, job.work(connection), None
    except MaestroError as refusal:
        return job, None, refusal


def connect(path: Path, durability: str = "full") -> sqlite3.Connection:
    """A connection in WAL mode without implicit transactions, waiting its turn for up to five seconds."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    connection.execute(f"pragma synchronous = {'full' if durability == 'full' else 'normal'}")
    connection.execute("pragma foreign_keys = on")
    return connection
