"""The document store in SQLite: all of its SQL about files, vector stores and entries. Calls block: run in a thread."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from router.tools.documents.schema import TABLES, TERMS, WORDS
from router.tools.documents.values import Chunking, Entry, StoredFile, VectorStore

FILE = "id, team, name, purpose, size, created_at, expires_at, labels"
ENTRY = (
    "s.id AS store, e.file, e.status, e.created_at, e.attributes, e.chunking, e.usage_bytes, e.error_code, e.error, "
    "e.batch FROM entries e JOIN stores s ON s.number = e.store"
)


class DocumentStore:
    """One SQLite file in WAL mode. Readers have a connection per thread; writers take turns."""

    def __init__(self, path: Path) -> None:
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
            found = sqlite3.connect(self._path, timeout=30.0, isolation_level=None, check_same_thread=False)
            found.row_factory = sqlite3.Row
            found.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")
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

    # Files

    def add_file(self, file: StoredFile, content: bytes) -> None:
        """Keeps a file."""
        row = {**asdict(file), "labels": json.dumps(file.labels), "content": content}
        names = ", ".join(row)
        with self.write() as db:
            db.execute(f"INSERT INTO files ({names}) VALUES ({', '.join(':' + name for name in row)})", row)

    def find_file(self, team: str, name: str) -> StoredFile | None:
        """A team's file by its id."""
        row = self.db.execute(f"SELECT {FILE} FROM files WHERE id = ? AND team = ?", (name, team)).fetchone()
        return None if row is None else file_of(row)

    def content(self, name: str) -> bytes:
        """A file's bytes; empty if it is gone."""
        row = self.db.execute("SELECT content FROM files WHERE id = ?", (name,)).fetchone()
        return b"" if row is None else bytes(row[0])

    def list_files(self, team: str, purpose: str | None) -> list[StoredFile]:
        """A team's files, the newest last."""
        sql = f"SELECT {FILE} FROM files WHERE team = ? AND (? IS NULL OR purpose = ?) ORDER BY created_at, rowid"
        return [file_of(row) for row in self.db.execute(sql, (team, purpose, purpose))]

    def team_bytes(self, team: str) -> int:
        """What a team's files take."""
        return int(self.db.execute("SELECT coalesce(sum(size), 0) FROM files WHERE team = ?", (team,)).fetchone()[0])

    def delete_file(self, team: str, name: str) -> bool:
        """Deletes a file and takes it out of every vector store."""
        with self.write() as db:
            stores = [row[0] for row in db.execute("SELECT store FROM entries WHERE file = ?", (name,))]
            found = db.execute("DELETE FROM files WHERE id = ? AND team = ?", (name, team)).rowcount > 0
            if found:
                for store in stores:
                    remove_chunks(db, store, name)
        return found

    def expired_files(self, now: float) -> list[StoredFile]:
        """Files past their end."""
        return [file_of(row) for row in self.db.execute(f"SELECT {FILE} FROM files WHERE expires_at <= ?", (now,))]

    # Vector stores

    def add_store(self, store: VectorStore) -> VectorStore:
        """Keeps a vector store; its number is set."""
        values = (store.id, store.team, store.name, store.created_at, store.last_active_at)
        with self.write() as db:
            sql = (
                "INSERT INTO stores (id, team, name, created_at, last_active_at, metadata, expire_days) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)"
            )
            number = db.execute(sql, (*values, json.dumps(store.metadata), store.expire_days)).lastrowid
            db.execute(WORDS.format(number=number))
            db.execute(TERMS.format(number=number))
        found = self.find_store(store.team, store.id)
        assert found is not None
        return found

    def find_store(self, team: str, name: str) -> VectorStore | None:
        """A team's vector store by its id."""
        row = self.db.execute("SELECT * FROM stores WHERE id = ? AND team = ?", (name, team)).fetchone()
        return None if row is None else self._store_of(row)

    def list_stores(self, team: str) -> list[VectorStore]:
        """A team's vector stores, the newest last."""
        rows = self.db.execute("SELECT * FROM stores WHERE team = ? ORDER BY created_at, number", (team,)).fetchall()
        return [self._store_of(row) for row in rows]

    def change_store(self, store: VectorStore) -> None:
        """Sets name, metadata, expiry and last use."""
        values = (store.name, json.dumps(store.metadata), store.expire_days, store.last_active_at, store.number)
        with self.write() as db:
            db.execute(
                "UPDATE stores SET name = ?, metadata = ?, expire_days = ?, last_active_at = ? WHERE number = ?", values
            )

    def delete_store(self, store: VectorStore) -> None:
        """Deletes a vector store and its chunks; the files stay."""
        with self.write() as db:
            db.execute("DELETE FROM chunks WHERE store = ?", (store.number,))
            db.execute(f"DROP TABLE IF EXISTS terms_{store.number}")
            db.execute(f"DROP TABLE IF EXISTS words_{store.number}")
            db.execute("DELETE FROM stores WHERE number = ?", (store.number,))

    def _store_of(self, row: sqlite3.Row) -> VectorStore:
        sql = "SELECT status, count(*), sum(usage_bytes) FROM entries WHERE store = ? GROUP BY status"
        counted = self.db.execute(sql, (row["number"],)).fetchall()
        return VectorStore(
            row["id"],
            row["number"],
            row["team"],
            row["name"],
            row["created_at"],
            row["last_active_at"],
            json.loads(row["metadata"]),
            row["expire_days"],
            sum(size for _, _, size in counted),
            {status: count for status, count, _ in counted},
        )

    # Entries

    def add_entries(self, store: VectorStore, entries: Sequence[Entry], owner: str, batch: str | None = None) -> None:
        """Puts files into a vector store, in progress; a file that was in it is indexed anew."""
        with self.write() as db:
            if batch is not None:
                db.execute("INSERT INTO batches VALUES (?, ?, ?, 0)", (batch, store.number, entries[0].created_at))
            for entry in entries:
                remove_chunks(db, store.number, entry.file)
                db.execute(
                    "INSERT OR REPLACE INTO entries (store, file, status, created_at, attributes, chunking, batch, "
                    "owner) VALUES (?, ?, 'in_progress', ?, ?, ?, ?, ?)",
                    (store.number, entry.file, entry.created_at, json.dumps(dict(entry.attributes)),
                     json.dumps(asdict(entry.chunking)), batch, owner),
                )  # fmt: skip

    def find_entry(self, store: VectorStore, file: str) -> Entry | None:
        """A file's entry."""
        row = self.db.execute(f"SELECT {ENTRY} WHERE e.store = ? AND e.file = ?", (store.number, file)).fetchone()
        return None if row is None else entry_of(row)

    def list_entries(self, store: VectorStore, batch: str | None = None) -> list[Entry]:
        """All entries, or those of a batch, the newest last."""
        sql = f"SELECT {ENTRY} WHERE e.store = ? AND (? IS NULL OR e.batch = ?) ORDER BY e.created_at, e.file"
        return [entry_of(row) for row in self.db.execute(sql, (store.number, batch, batch))]

    def set_attributes(self, store: VectorStore, file: str, attributes: Mapping[str, Any]) -> None:
        """Sets a file's attributes in this store."""
        with self.write() as db:
            values = (json.dumps(dict(attributes)), store.number, file)
            db.execute("UPDATE entries SET attributes = ? WHERE store = ? AND file = ?", values)

    def fail_entry(self, store: VectorStore, file: str, code: str, error: str) -> None:
        """The file could not be indexed."""
        with self.write() as db:
            db.execute(
                "UPDATE entries SET status = 'failed', error_code = ?, error = ? WHERE store = ? AND file = ? "
                "AND status = 'in_progress'",
                (code, error[:500], store.number, file),
            )

    def delete_entry(self, store: VectorStore, file: str) -> bool:
        """Takes a file out of a vector store."""
        with self.write() as db:
            remove_chunks(db, store.number, file)
            return db.execute("DELETE FROM entries WHERE store = ? AND file = ?", (store.number, file)).rowcount > 0

    def find_batch(self, store: VectorStore, batch: str) -> tuple[int, bool] | None:
        """When a batch was made, and whether it was cancelled."""
        sql = "SELECT created_at, cancelled FROM batches WHERE id = ? AND store = ?"
        row = self.db.execute(sql, (batch, store.number)).fetchone()
        return None if row is None else (row[0], bool(row[1]))

    def cancel_batch(self, store: VectorStore, batch: str) -> None:
        """What is not yet indexed never will be."""
        with self.write() as db:
            db.execute("UPDATE batches SET cancelled = 1 WHERE id = ?", (batch,))
            sql = "UPDATE entries SET status = 'cancelled' WHERE store = ? AND batch = ? AND status = 'in_progress'"
            db.execute(sql, (store.number, batch))

    def unfinished(self) -> list[tuple[str, str, str, str, int]]:
        """Team, store, file, owner and time of what is still being indexed, by whomever."""
        sql = (
            "SELECT s.team, s.id, e.file, e.owner, e.created_at FROM entries e JOIN stores s ON s.number = e.store "
            "WHERE e.status = 'in_progress'"
        )
        return [tuple(row) for row in self.db.execute(sql)]

    def own(self, owner: str, store: VectorStore, file: str) -> None:
        """Takes over what an ended process left."""
        with self.write() as db:
            db.execute("UPDATE entries SET owner = ? WHERE store = ? AND file = ?", (owner, store.number, file))


def remove_chunks(db: sqlite3.Connection, store: int, file: str) -> None:
    """Takes a file's chunks out of a store, inside a transaction."""
    rows = db.execute("SELECT id, heading, text FROM chunks WHERE store = ? AND file = ?", (store, file)).fetchall()
    if not rows:
        return
    sql = f"INSERT INTO words_{store} (words_{store}, rowid, heading, text) VALUES ('delete', ?, ?, ?)"
    db.executemany(sql, [tuple(row) for row in rows])
    db.execute("DELETE FROM chunks WHERE store = ? AND file = ?", (store, file))
    db.execute("UPDATE stores SET removals = removals + 1 WHERE number = ?", (store,))


def file_of(row: sqlite3.Row) -> StoredFile:
    """A row as a file."""
    return StoredFile(**{**dict(row), "labels": tuple(json.loads(row["labels"]))})


def entry_of(row: sqlite3.Row) -> Entry:
    """A row as an entry."""
    said = {
        **dict(row),
        "attributes": json.loads(row["attributes"]),
        "chunking": Chunking(**json.loads(row["chunking"])),
    }
    return Entry(**said)
