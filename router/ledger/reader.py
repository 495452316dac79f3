"""Reads beside the writer, on a thread and a connection that may not write: no report holds up money."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from router.errors import Unavailable
from router.ledger.writer import connect

T = TypeVar("T")


class Reader:
    """Answers from what is committed. In WAL mode it neither waits for the writer nor makes it wait."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "ledger-reader")
        self._connection: sqlite3.Connection | None = None

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` on the connection. Raises what it raises, or Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)

    async def close(self) -> None:
        """Closes the connection and ends the thread."""
        with contextlib.suppress(RuntimeError):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect(self._path)
                self._connection.execute("pragma query_only = on")
            return self._in_one_view(self._connection, work)
        except sqlite3.Error as error:
            self._end()
            raise Unavailable(f"the ledger cannot be read: {error}") from error

    @staticmethod
    def _in_one_view(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        """All statements see the same moment."""
        connection.execute("begin")
        try:
            return work(connection)
        finally:
            connection.execute("rollback")

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
