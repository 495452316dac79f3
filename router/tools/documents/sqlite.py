"""Documents in one SQLite file in WAL mode, words in FTS5. Readers have a connection per thread; writers take turns."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from router.tools.documents.database import Passage, Statements
from router.tools.documents.schema import TABLES, TERMS, WORDS
from router.write_ahead import enter_wal

BUSY_SECONDS = 30.0


class SqliteDatabase:
    """The `Database` in a file, which is made if it is not there."""

    def __init__(self, path: Path) -> None:
        self.words = Fts5Words()
        self._path = path
        self._local = threading.local()
        self._writing = threading.Lock()
        self._open: list[sqlite3.Connection] = []
        with self.write() as db:
            db.executescript(TABLES)

    def close(self) -> None:
        """Closes every thread's connection."""
        with self._writing:
            for connection in self._open:
                connection.close()
            self._open.clear()

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "db", None)
        if found is None:
            found = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            found.row_factory = sqlite3.Row
            enter_wal(found, BUSY_SECONDS)
            found.executescript("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")
            found.execute("PRAGMA cache_size=-16384")
            self._local.db = found
            self._open.append(found)
        return found

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; other processes wait for it."""
        with self._writing:
            db = self.db
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            if db.in_transaction:
                db.execute("COMMIT")

    def heard(self, owner: str) -> float | None:
        """Nobody keeps that here: all processes are of this machine."""
        return None


class Fts5Words:
    """The `Words` in an FTS5 table for each store."""

    def create(self, db: Statements, store: int) -> None:
        """Begins an index for a new store."""
        db.execute(WORDS.format(number=store))
        db.execute(TERMS.format(number=store))

    def drop(self, db: Statements, store: int) -> None:
        """Ends it."""
        db.execute(f"DROP TABLE IF EXISTS terms_{store}")
        db.execute(f"DROP TABLE IF EXISTS words_{store}")

    def lock(self, db: Statements, store: int) -> None:
        """The transaction has the whole file."""

    def number(self, db: Statements, count: int) -> Sequence[int]:
        """So many ids for new chunks."""
        first = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'chunks'").fetchone()[0]
        return range(int(first) + 1, int(first) + 1 + count)

    def insert(self, db: Statements, store: int, passages: Sequence[Passage]) -> None:
        """Indexes chunks."""
        rows = ((p.id, p.heading, p.text) for p in passages)
        db.executemany(f"INSERT INTO words_{store} (rowid, heading, text) VALUES (?, ?, ?)", rows)

    def remove(self, db: Statements, store: int, passages: Sequence[Passage]) -> None:
        """Forgets chunks."""
        rows = ((p.id, p.heading, p.text) for p in passages)
        sql = f"INSERT INTO words_{store} (words_{store}, rowid, heading, text) VALUES ('delete', ?, ?, ?)"
        db.executemany(sql, rows)

    def matching(self, db: Statements, store: int, words: Sequence[str], most: int) -> Sequence[int]:
        """How many chunks have each word; `most` if more do."""
        sql = f"SELECT count(*) FROM (SELECT 1 FROM words_{store} WHERE words_{store} MATCH ? LIMIT ?)"
        return [int(db.execute(sql, (f'"{word}"', most)).fetchone()[0]) for word in words]

    def ranked(
        self, db: Statements, store: int, words: Sequence[str], files: Sequence[str] | None, limit: int
    ) -> dict[int, float]:
        """FTS5's bm25(), the larger the better."""
        table, query = f"words_{store}", " OR ".join(f'"{word}"' for word in words)
        within = "" if files is None else f"AND rowid IN ({_OF_FILES})"
        chosen = () if files is None else (store, json.dumps(files))
        sql = f"SELECT rowid, -bm25({table}, 0.5, 1.0) FROM {table} WHERE {table} MATCH ? {within} ORDER BY 2 DESC"
        return {row[0]: row[1] for row in db.execute(f"{sql} LIMIT ?", (query, *chosen, limit))}

    def chunks_of(self, db: Statements, store: int, files: Sequence[str]) -> Sequence[int]:
        """Ids of the chunks of some files."""
        return [row[0] for row in db.execute(_OF_FILES, (store, json.dumps(files)))]


_OF_FILES = "SELECT id FROM chunks WHERE store = ? AND file IN (SELECT value FROM json_each(?))"
