"""The document store: its SQL about files, vector stores and entries, on either database. Calls block."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from router.tools.documents.database import Database, Passage, Statements, Words
from router.tools.documents.values import Chunking, Entry, StoredFile, VectorStore

FILE = "id, team, name, purpose, size, created_at, expires_at, labels"
ENTRY = (
    "s.id AS store, e.file, e.status, e.created_at, e.attributes, e.chunking, e.usage_bytes, e.error_code, e.error, "
    "e.batch FROM entries e JOIN stores s ON s.number = e.store"
)

ANEW = (
    "status = excluded.status, created_at = excluded.created_at, attributes = excluded.attributes, "
    "chunking = excluded.chunking, batch = excluded.batch, owner = excluded.owner, usage_bytes = 0, "
    "error_code = NULL, error = NULL"
)


class DocumentStore:
    """Over a database, which it closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    @property
    def db(self) -> Statements:
        """For reads."""
        return self._database.db

    @property
    def words(self) -> Words:
        """The index of words."""
        return self._database.words

    def write(self) -> AbstractContextManager[Statements]:
        """One transaction."""
        return self._database.write()

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
            sql = "SELECT store FROM entries WHERE file = ? ORDER BY store"
            stores = [row[0] for row in db.execute(sql, (name,)).fetchall()]
            for store in stores:
                self.words.lock(db, store)
            found = db.execute("DELETE FROM files WHERE id = ? AND team = ?", (name, team)).rowcount > 0
            if found:
                for store in stores:
                    self._remove_chunks(db, store, name)
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
                "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number"
            )
            number = db.execute(sql, (*values, json.dumps(store.metadata), store.expire_days)).fetchone()[0]
            self.words.create(db, number)
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
            self.words.lock(db, store.number)
            db.execute("DELETE FROM chunks WHERE store = ?", (store.number,))
            self.words.drop(db, store.number)
            db.execute("DELETE FROM stores WHERE number = ?", (store.number,))

    def _store_of(self, row: Any) -> VectorStore:
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
            sum(int(size) for _, _, size in counted),
            {status: count for status, count, _ in counted},
        )

    # Entries

    def add_entries(self, store: VectorStore, entries: Sequence[Entry], owner: str, batch: str | None = None) -> None:
        """Puts files into a vector store, in progress; a file that was in it is indexed anew."""
        with self.write() as db:
            if batch is not None:
                db.execute("INSERT INTO batches VALUES (?, ?, ?, 0)", (batch, store.number, entries[0].created_at))
            self.words.lock(db, store.number)
            for entry in entries:
                self._remove_chunks(db, store.number, entry.file)
                db.execute(
                    "INSERT INTO entries (store, file, status, created_at, attributes, chunking, batch, owner) "
                    "VALUES (?, ?, 'in_progress', ?, ?, ?, ?, ?) ON CONFLICT (store, file) DO UPDATE SET "
                    f"{ANEW}",
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
            self.words.lock(db, store.number)
            self._remove_chunks(db, store.number, file)
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

    def unfinished(self) -> list[tuple[str, str, str, str, float]]:
        """Team, store, file, owner of what is still being indexed, by whomever, and when that was last heard of."""
        sql = (
            "SELECT s.team, s.id, e.file, e.owner, e.created_at FROM entries e JOIN stores s ON s.number = e.store "
            "WHERE e.status = 'in_progress'"
        )
        heard = self._database.heard
        rows = self.db.execute(sql).fetchall()
        return [(team, store, file, owner, heard(owner) or at) for team, store, file, owner, at in rows]

    def own(self, owner: str, store: VectorStore, file: str) -> None:
        """Takes over what an ended process left."""
        with self.write() as db:
            db.execute("UPDATE entries SET owner = ? WHERE store = ? AND file = ?", (owner, store.number, file))

    def _remove_chunks(self, db: Statements, store: int, file: str) -> None:
        """Takes a file's chunks out of a store, inside a transaction that has it locked."""
        sql = "SELECT id, heading, text FROM chunks WHERE store = ? AND file = ?"
        passages = [Passage(*row) for row in db.execute(sql, (store, file)).fetchall()]
        if not passages:
            return
        self.words.remove(db, store, passages)
        db.execute("DELETE FROM chunks WHERE store = ? AND file = ?", (store, file))
        db.execute("UPDATE stores SET removals = removals + 1 WHERE number = ?", (store,))


def file_of(row: Any) -> StoredFile:
    """A row as a file."""
    return StoredFile(**{**dict(row), "labels": tuple(json.loads(row["labels"]))})


def entry_of(row: Any) -> Entry:
    """A row as an entry."""
    said = {
        **dict(row),
        "attributes": json.loads(row["attributes"]),
        "chunking": Chunking(**json.loads(row["chunking"])),
    }
    return Entry(**said)
