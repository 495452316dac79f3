"""Moves an embedded document store into an empty one on PostgreSQL, in one transaction. Words are indexed anew."""

import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from router.errors import BadRequest
from router.tools.documents.database import Passage
from router.tools.documents.postgres import PostgresDatabase, Session

MOVED: Mapping[str, str] = {
    "files": "id, team, name, purpose, size, created_at, expires_at, labels, content",
    "stores": "number, id, team, name, created_at, last_active_at, metadata, expire_days, removals",
    "entries": "store, file, status, created_at, attributes, chunking, usage_bytes, error_code, error, batch, owner",
    "batches": "id, store, created_at, cancelled",
    "chunks": "id, store, file, position, heading, text, vector",
}
AT_ONCE = 200


def move_documents(source: sqlite3.Connection, target: PostgresDatabase) -> Mapping[str, int]:
    """How many rows of each table. Raises BadRequest if there are documents already; Unavailable."""
    with target.write() as db:
        for table in ("files", "stores"):
            if db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None:
                raise BadRequest(f"The database is not empty: '{table}' has rows. No documents were moved.", "to")
        counts = {table: _copy(source, db, table, columns) for table, columns in MOVED.items()}
        db.execute("SELECT setval('store_numbers', (SELECT coalesce(max(number), 0) + 1 FROM stores), false)")
        db.execute("SELECT setval('chunk_ids', (SELECT coalesce(max(id), 0) + 1 FROM chunks), false)")
        for store in [row[0] for row in source.execute("SELECT number FROM stores ORDER BY number").fetchall()]:
            rows = source.execute("SELECT id, heading, text FROM chunks WHERE store = ? ORDER BY id", (store,))
            for page in _pages(rows):
                target.words.insert(db, store, [Passage(*row) for row in page])
    return counts


def _copy(source: sqlite3.Connection, db: Session, table: str, columns: str) -> int:
    marks = ", ".join("?" * len(columns.split(",")))
    count = 0
    order = "rowid" if table in ("files", "stores", "chunks") else "1"
    for page in _pages(
        source.execute(f"SELECT {columns} FROM {table} ORDER BY {order}"), 1 if table == "files" else AT_ONCE
    ):
        db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", page)
        count += len(page)
    return count


def _pages(rows: Iterator[Any], most: int = AT_ONCE) -> Iterator[list[Any]]:
    while page := list(islice(rows, most)):
        yield page
