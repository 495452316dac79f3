"""What the document store asks of a database: two have it, SQLite and PostgreSQL. Calls block: run in a thread.

Files, stores and entries are kept by statements that both know; how words are kept and ranked is each one's own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol


class Answer(Protocol):
    """The rows of a statement: by place or by name, and as a mapping with `dict`."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """Runs statements with places `?` or `:name`."""

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """One."""
        ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> object:
        """One for each row."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as the index of words sees it."""

    id: int
    heading: str
    text: str


class Words(Protocol):
    """The words of each store's chunks, apart from every other store's: none weighs in another's ranking."""

    def create(self, db: Statements, store: int) -> None:
        """Begins an index for a new store."""
        ...

    def drop(self, db: Statements, store: int) -> None:
        """Ends it."""
        ...

    def lock(self, db: Statements, store: int) -> None:
        """Until the transaction ends, nobody else changes this store's chunks. First in any that does."""
        ...

    def number(self, db: Statements, count: int) -> Sequence[int]:
        """So many ids for new chunks, rising; those of one store rise with every commit."""
        ...

    def insert(self, db: Statements, store: int, passages: Sequence[Passage]) -> None:
        """Indexes chunks that were just inserted."""
        ...

    def remove(self, db: Statements, store: int, passages: Sequence[Passage]) -> None:
        """Forgets chunks that are about to be deleted."""
        ...

    def matching(self, db: Statements, store: int, words: Sequence[str], most: int) -> Sequence[int]:
        """How many chunks have each word; `most` if more do."""
        ...

    def ranked(
        self, db: Statements, store: int, words: Sequence[str], files: Sequence[str] | None, limit: int
    ) -> dict[int, float]:
        """Okapi BM25 (k1 = 1.2, b = 0.75, headings at half weight) of the best chunks with any of the words."""
        ...

    def chunks_of(self, db: Statements, store: int, files: Sequence[str]) -> Sequence[int]:
        """Ids of the chunks of some files."""
        ...


class Database(Protocol):
    """Whoever opens it closes it."""

    @property
    def words(self) -> Words:
        """Its index of words."""
        ...

    @property
    def db(self) -> Statements:
        """For reads: each statement by itself."""
        ...

    def write(self) -> AbstractContextManager[Statements]:
        """One transaction."""
        ...

    def heard(self, owner: str) -> float | None:
        """When a process was last heard of, in unix seconds of our clock; None where nobody keeps that."""
        ...

    def close(self) -> None:
        """Closes every connection."""
        ...
