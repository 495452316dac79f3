"""SQLite's write-ahead log, entered by processes that start at the same moment."""

import sqlite3
import time

PAUSE_SECONDS = 0.01


def enter_wal(connection: sqlite3.Connection, patience_seconds: float) -> None:
    """Sets the mode, waiting its turn: the change needs the file alone, and SQLite asks no busy handler for it where
    waiting could be for ever (sqlite.org/c3ref/busy_handler.html). Raises sqlite3.OperationalError after the patience.
    """
    until = time.monotonic() + patience_seconds
    while not _has_entered(connection, is_last=time.monotonic() >= until):
        time.sleep(PAUSE_SECONDS)


def _has_entered(connection: sqlite3.Connection, is_last: bool) -> bool:
    """False if others have the file; that is an error too at the last try."""
    try:
        connection.execute("pragma journal_mode = wal")
    except sqlite3.OperationalError as error:
        if is_last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
