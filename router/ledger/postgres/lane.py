"""Group commit to PostgreSQL: what has queued up goes in one statement, one at a time, on a connection of its own.

While a batch is on its way the next one fills, so a busy worker commits more at once instead of more often: a row that
everybody wants is locked once a batch and not once a request.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from psycopg import AsyncConnection

from router.errors import Unavailable
from router.ledger.postgres.session import ANSWER_SECONDS, answer_in_time, connect

logger = logging.getLogger("maestro.ledger")
J = TypeVar("J")
MOST_JOBS_A_BATCH = 512
RETRY_SECONDS = 0.25
FAULTS = (psycopg.DataError, psycopg.IntegrityError, ValueError, TypeError, OverflowError)
"""What a job's own values cause: trying again would never help."""


class Away(Unavailable):
    """The database cannot be reached now: nothing was done, or what may have been done will be undone."""


@dataclass(slots=True, eq=False)
class Queued(Generic[J]):
    """A job; without `done` it is kept until it is durable."""

    job: J
    done: asyncio.Future[Any] | None = None


Work = Callable[[AsyncConnection, Sequence[J]], Awaitable[Sequence[Any]]]
"""Carries out a batch in one transaction: an answer for each job; an exception among them is raised to who waits."""


class Lane(Generic[J]):
    """One connection that writes. `opened` is called on every new connection before any batch.

    `doubtful` says which job must be kept where a job that somebody waited for may have been done or not.
    """

    def __init__(
        self,
        url: str,
        work: Work[J],
        opened: Callable[[AsyncConnection], Awaitable[None]],
        doubtful: Callable[[J], J | None] = lambda job: None,
    ) -> None:
        self._url = url
        self._work = work
        self._opened = opened
        self._doubtful = doubtful
        self._queue: deque[Queued[J]] = deque()
        self._kept: list[Queued[J]] = []
        self._wake = asyncio.Event()
        self._connection: AsyncConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self.is_away = False

    async def start(self) -> None:
        """Connects and begins. Raises psycopg.Error."""
        await self._connect()
        self._idle.set()
        self._task = asyncio.create_task(self._run())

    async def do(self, job: J) -> Any:
        """Its answer, once durable. Raises what it answers, or Away: at once while the database is."""
        if self.is_away:
            raise Away("the ledger's database is away")
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(Queued(job, done))
        return await done

    def keep(self, job: J) -> None:
        """Queues a job that must become durable; it is tried until it does."""
        self._put(Queued(job))

    async def flush(self) -> None:
        """Returns once everything queued before is durable."""
        await self._idle.wait()

    async def close(self) -> None:
        """Commits what is queued, while the database is there, and ends."""
        if self._task is not None:
            if not self.is_away:
                await self.flush()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._kept or self._queue:
            logger.error("%d ledger entries were not written: what they held is charged", len(self._kept))
        await self._drop()

    def _put(self, queued: Queued[J]) -> None:
        self._queue.append(queued)
        self._idle.clear()
        self._wake.set()

    async def _run(self) -> None:
        while True:
            if self._connection is None and not await self._reconnect():
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not (self._queue or self._kept):
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
            await self._commit(self._take())

    async def _reconnect(self) -> bool:
        """False if the database is away; whoever waits is told so."""
        try:
            await self._connect()
        except (psycopg.Error, OSError) as error:
            if not self.is_away:
                logger.error("the ledger's database is away (%s); charges are kept and tried again", error)
            self.is_away = True
            self._refuse(self._queue)
            self._queue = deque(queued for queued in self._queue if queued.done is None)
            return False
        if self.is_away:
            logger.warning("the ledger's database is back")
        self.is_away = False
        return True

    def _take(self) -> list[Queued[J]]:
        batch, self._kept = self._kept[:MOST_JOBS_A_BATCH], self._kept[MOST_JOBS_A_BATCH:]
        while self._queue and len(batch) < MOST_JOBS_A_BATCH and not self._kept:
            queued = self._queue.popleft()
            if queued.done is None or not queued.done.cancelled():
                batch.append(queued)
        return batch

    async def _commit(self, batch: list[Queued[J]]) -> None:
        if not batch:
            return
        if self._connection is None:
            self._kept = batch + self._kept
            return
        try:
            asked = self._work(self._connection, [queued.job for queued in batch])
            self._tell(batch, await answer_in_time(self._connection, asked))
        except FAULTS as fault:
            await self._part(batch, fault)
        except (psycopg.Error, OSError) as error:
            self._lost(batch, error)
            await self._drop()

    def _tell(self, batch: list[Queued[J]], answers: Sequence[Any]) -> None:
        for queued, answer in zip(batch, answers, strict=True):
            if queued.done is None or queued.done.done():
                continue
            if isinstance(answer, Exception):
                queued.done.set_exception(answer)
            else:
                queued.done.set_result(answer)

    async def _part(self, batch: list[Queued[J]], fault: Exception) -> None:
        """One job of a batch is at fault: each is committed alone, and that one is given up."""
        if len(batch) > 1:
            for queued in batch:
                await self._commit([queued])
            return
        logger.error("the ledger cannot store one entry (%s); it is given up", type(fault).__name__)
        self._tell(batch, [Unavailable(f"the ledger cannot store this: {type(fault).__name__}")])

    def _lost(self, batch: list[Queued[J]], error: Exception) -> None:
        """Kept jobs are tried again; whoever waits is refused, and what may have been done all the same is undone."""
        logger.warning("a batch of the ledger was lost on its way (%s); it is tried again", error)
        waiting = [queued for queued in batch if queued.done is not None]
        undo = [self._doubtful(queued.job) for queued in waiting]
        again = [queued for queued in batch if queued.done is None]
        self._kept = [*again, *(Queued(job) for job in undo if job is not None), *self._kept]
        self._refuse(waiting)

    def _refuse(self, waiting: Iterable[Queued[J]]) -> None:
        for queued in waiting:
            if queued.done is not None and not queued.done.done():
                queued.done.set_exception(Away("the ledger's database is away"))

    async def _connect(self) -> AsyncConnection:
        connection = await connect(self._url)
        try:
            await answer_in_time(connection, self._opened(connection), ANSWER_SECONDS)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        return connection

    async def _drop(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
