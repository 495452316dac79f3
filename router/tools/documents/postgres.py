"""Documents on PostgreSQL, shared by all proxies, in tables of the ledger's schema; words by `tsvector` and BM25."""

import contextlib
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from psycopg import ClientCursor, Connection, Cursor
from psycopg_pool import ConnectionPool

from router.ledger.postgres.session import CONNECT_SECONDS, OPTIONS, database_errors
from router.ledger.postgres.tables import storable, translate
from router.tools.documents.database import Passage, Statements

MOST_CONNECTIONS = 4
WAIT_SECONDS = 30
CANDIDATES = 1000
"""How many chunks, the best by ts_rank, are ranked by BM25."""
_WORD = re.compile(r"[^\W_]+")
_MATCHING = """
    SELECT (SELECT count(*) FROM (
        SELECT 1 FROM words WHERE lexemes @@ maestro_query(:store, said.word, ' & ') LIMIT :most) x)
    FROM unnest(:words::text[]) WITH ORDINALITY AS said(word, place) ORDER BY place"""
_RANKED = """
    WITH asked AS (
        SELECT lexeme, (SELECT count(*) FROM words WHERE lexemes @@ quote_literal(lexeme)::tsquery) AS n
        FROM unnest(maestro_lexemes(:store, '', :words))
    ), store AS (
        SELECT chunk_count AS total, greatest(word_count::float8 / greatest(chunk_count, 1), 1) AS mean FROM stores
        WHERE number = :store
    ), found AS (
        SELECT w.id, w.length, w.lexemes FROM words w, maestro_query(:store, :words, ' | ') AS query
        WHERE w.lexemes @@ query AND (:files::text[] IS NULL OR w.id IN (
            SELECT id FROM chunks WHERE chunks.store = :store AND file = ANY(:files)))
        ORDER BY ts_rank('{1, 1, 1, 0.5}', w.lexemes, query) DESC LIMIT :candidates
    ), counted AS (
        SELECT id, length, n, (SELECT sum(CASE WHEN weight = 'A' THEN 0.5 ELSE 1 END) FROM unnest(weights) weight) AS tf
        FROM found, unnest(lexemes) JOIN asked USING (lexeme)
    )
    SELECT id, sum(greatest(ln((total - n + 0.5) / (n + 0.5)), 1e-6) * tf * 2.2
                   / (tf + 1.2 * (0.25 + 0.75 * length / mean)))::float8
    FROM counted, store GROUP BY id ORDER BY 2 DESC, 1 LIMIT :limit"""


class Row(tuple[Any, ...]):
    """A row, by place and by name."""

    names: Sequence[str]

    def __getitem__(self, at: Any) -> Any:
        return super().__getitem__(self.names.index(at) if isinstance(at, str) else at)

    def keys(self) -> Sequence[str]:
        """The names of its columns: makes it a mapping to `dict`."""
        return self.names


class Rows:
    """A statement's answer, read to its end."""

    def __init__(self, cursor: "Cursor[Any]") -> None:
        self.rowcount = cursor.rowcount
        names = [column.name for column in cursor.description or ()]
        kind = type("NamedRow", (Row,), {"names": names})
        self._rows = iter([kind(row) for row in cursor.fetchall()] if cursor.description else [])

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[Row]:
        """The rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return self._rows


class Session:
    """The `Statements` of one connection."""

    def __init__(self, connection: "Connection[Any]") -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        """One."""
        cursor = ClientCursor(self._connection)
        return Rows(cursor.execute(cast(Any, translate(statement)), storable(values)))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """One for each row, in one round trip."""
        with Cursor(self._connection) as cursor:
            cursor.executemany(cast(Any, translate(statement)), [storable(row) for row in rows])


class PostgresDatabase:
    """The `Database` of a URL. Methods raise Unavailable."""

    def __init__(self, url: str) -> None:
        self.words = TsvectorWords()
        options = {**OPTIONS, "options": f"-c statement_timeout={WAIT_SECONDS}s -c lock_timeout={WAIT_SECONDS}s"}
        self._pool: ConnectionPool[Connection[Any]] = ConnectionPool(
            url,
            kwargs=options,
            min_size=0,
            max_size=MOST_CONNECTIONS,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=CONNECT_SECONDS,
            check=ConnectionPool.check_connection,
            open=True,
            name="maestro-documents",
        )

    @property
    def db(self) -> Statements:
        """For reads: each borrows a connection."""
        return self

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        """One statement by itself."""
        with database_errors(), self._pool.connection() as connection:
            return Session(connection).execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """One for each row, in one transaction."""
        with self.write() as db:
            db.executemany(statement, rows)

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction."""
        with database_errors(), self._pool.connection() as connection, connection.transaction():
            yield Session(connection)

    def heard(self, owner: str) -> float | None:
        """By the heartbeat that the ledger keeps, as long ago as it is by the database's clock."""
        asked = "SELECT extract(epoch FROM clock_timestamp())::float8 - alive_at FROM owners WHERE id = ?"
        row = self.execute(asked, (owner,)).fetchone()
        return None if row is None else time.time() - float(row[0])

    def close(self) -> None:
        """Closes every connection."""
        self._pool.close()


class TsvectorWords:
    """The `Words` in one table and one inverted index; lexemes begin with the number of their store."""

    def create(self, db: Statements, store: int) -> None:
        """Nothing to begin."""

    def drop(self, db: Statements, store: int) -> None:
        """They went with their chunks."""

    def lock(self, db: Statements, store: int) -> None:
        """So that ids of chunks rise with every commit, and an entry is not indexed while it is deleted."""
        db.execute("SELECT number FROM stores WHERE number = ? FOR UPDATE", (store,))

    def number(self, db: Statements, count: int) -> Sequence[int]:
        """So many ids for new chunks."""
        return [row[0] for row in db.execute("SELECT nextval('chunk_ids') FROM generate_series(1, ?)", (count,))]

    def insert(self, db: Statements, store: int, passages: Sequence[Passage]) -> None:
        """Indexes chunks."""
        told = [(p.id, plain(p.heading), plain(p.text)) for p in passages]
        rows = [(i, len(heading) + len(text), store, " ".join(heading), " ".join(text)) for i, heading, text in told]
        db.executemany("INSERT INTO words (id, length, lexemes) VALUES (?, ?, maestro_lexemes(?, ?, ?))", rows)
        _count(db, store, len(rows), sum(row[1] for row in rows))

    def remove(self, db: Statements, store: int, passages: Sequence[Passage]) -> None:
        """Forgets chunks."""
        ids = [p.id for p in passages]
        lengths = db.execute("DELETE FROM words WHERE id = ANY(?) RETURNING length", (ids,)).fetchall()
        _count(db, store, -len(lengths), -sum(row[0] for row in lengths))

    def matching(self, db: Statements, store: int, words: Sequence[str], most: int) -> Sequence[int]:
        """How many chunks have each word; `most` if more do."""
        asked = [" ".join(plain(word)) for word in words]
        return [row[0] for row in db.execute(_MATCHING, {"store": store, "words": asked, "most": most})]

    def ranked(
        self, db: Statements, store: int, words: Sequence[str], files: Sequence[str] | None, limit: int
    ) -> dict[int, float]:
        """BM25, as FTS5 has it."""
        asked = {"store": store, "words": " ".join(plain(" ".join(words))), "files": files, "limit": limit}
        return {row[0]: row[1] for row in db.execute(_RANKED, {**asked, "candidates": max(CANDIDATES, limit)})}

    def chunks_of(self, db: Statements, store: int, files: Sequence[str]) -> Sequence[int]:
        """Ids of the chunks of some files."""
        return [row[0] for row in db.execute("SELECT id FROM chunks WHERE store = ? AND file = ANY(?)", (store, files))]


def plain(text: str) -> list[str]:
    """A text's words in lower case without marks, as FTS5's `unicode61 remove_diacritics 2` has them."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return _WORD.findall(bare)


def _count(db: Statements, store: int, chunks: int, words: int) -> None:
    db.execute(
        "UPDATE stores SET chunk_count = chunk_count + ?, word_count = word_count + ? WHERE number = ?",
        (chunks, words, store),
    )
