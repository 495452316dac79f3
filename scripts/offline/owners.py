"""Who is collecting: a lease in the journal, and a locked file that a killed process lets go of at once."""

import fcntl
import os
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

from router.ids import new_id

LEASE_SECONDS = 60.0
"""How long a collector on another machine may be silent before its cells count as lost."""


class Owners:
    """The collectors of one journal. Call inside a transaction of the journal."""

    def __init__(self, path: Path, db: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.own = f"{socket.gethostname()}:{os.getpid()}:{new_id()[-8:]}"
        self._path = path
        self._db = db
        db.execute("create table if not exists owners (id text primary key, alive_at real not null) without rowid")
        self._file = self._lock_path(self.own).open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def beat(self) -> None:
        """Renews the lease."""
        self._db.execute("insert or replace into owners values (?, ?)", (self.own, self.clock()))

    def leave(self) -> None:
        """Ends the lease."""
        self._db.execute("delete from owners where id = ?", (self.own,))
        self._file.close()
        self._lock_path(self.own).unlink(missing_ok=True)

    def bury(self) -> list[str]:
        """Forgets the owners that are dead, and names them."""
        others = self._db.execute("select id, alive_at from owners where id != ?", (self.own,)).fetchall()
        dead = [name for name, alive_at in others if self._is_dead(name, alive_at)]
        for name in dead:
            self._db.execute("delete from owners where id = ?", (name,))
            self._lock_path(name).unlink(missing_ok=True)
        return dead

    def _is_dead(self, name: str, alive_at: float) -> bool:
        """On this machine: nobody holds its lock. Elsewhere: its lease is over."""
        if name.split(":", 1)[0] != socket.gethostname():
            return self.clock() - alive_at > LEASE_SECONDS
        try:
            with self._lock_path(name).open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _lock_path(self, name: str) -> Path:
        return self._path.with_name(f".{self._path.name}.{name.rsplit(':', 1)[1]}.lock")
