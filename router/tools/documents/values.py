"""The frozen values of documents: files, vector stores, their entries, chunks and hits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EntryStatus = Literal["in_progress", "completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file without its bytes. Times in unix seconds; `labels` as AI21's library has them."""

    id: str
    team: str
    name: str
    purpose: str
    size: int
    created_at: int
    expires_at: int | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VectorStore:
    """A named set of files that is searched together. `expire_days` count from the last use."""

    id: str
    number: int
    team: str
    name: str
    created_at: int
    last_active_at: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    expire_days: int | None = None
    usage_bytes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def expires_at(self) -> int | None:
        """When it expires if it is not used again."""
        return None if self.expire_days is None else self.last_active_at + self.expire_days * 86_400

    def is_expired(self, now: float) -> bool:
        """Is it past that?"""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class Chunking:
    """How a file is cut: at most so many tokens, the last so many of one chunk again in the next."""

    max_tokens: int = 320
    overlap_tokens: int = 48
    is_auto: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a vector store."""

    store: str
    file: str
    status: EntryStatus
    created_at: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    chunking: Chunking = Chunking()
    usage_bytes: int = 0
    error_code: str | None = None
    error: str | None = None
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: `heading` is the path of titles above it, `text` what stands there."""

    position: int
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found. `score` from 0 to 1."""

    file: str
    name: str
    position: int
    heading: str
    text: str
    score: float
    attributes: Mapping[str, Any] = field(default_factory=dict)
    store: int = 0


@dataclass(frozen=True, slots=True)
class Lookup:
    """What to look for. `method` and `word_share` are for comparison; `neighbours` chunks around each hit are added.

    `strategy` in AI21's words: "segments", "add_neighbors", "full_doc".
    """

    query: str
    limit: int = 10
    threshold: float = 0.0
    method: Literal["hybrid", "words", "vectors"] = "hybrid"
    files: frozenset[str] | None = None
    neighbours: int = 0
    word_share: float | None = None
    strategy: Literal["segments", "add_neighbors", "full_doc"] = "segments"
