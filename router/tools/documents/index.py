"""The index of one store's chunks: words by BM25, vectors as int8 in memory. Calls block: run in a thread."""

import json
import math
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from router.tools.documents.database import Passage
from router.tools.documents.rank import best_first, distinct, join, nearest_by_signs, packed_signs
from router.tools.documents.store import DocumentStore
from router.tools.documents.values import Chunk, Entry, Hit, Lookup, VectorStore

WIDTH = 256
SCALE = 127.0
NEAR = 2000
"""How many vectors are compared in full; the rest are told apart by their signs alone."""
POOL = 100
MOST_TERMS = 12
COMMON_SHARE = 0.1
K1 = 1.2
"""Of BM25, as `Words` ranks by it."""
MOST_DOCUMENT_CHARACTERS = 40_000
_WORD = re.compile(r"\w+")
_STOP_WORDS = (
    "a about all an and any are as at be been being but by can could did do does doing for from had has have having he "
    "her his how i if in into is it its me my no nor not of on or our she should so some such than that the their them "
    "then there these they this those to too us was we were what when where which while who whom why will with would "
    "you your"
)
STOP = frozenset(re.findall(r"\w+", _STOP_WORDS))
Embed = Callable[[Sequence[str]], NDArray[np.float64]]


@dataclass(frozen=True)
class Vectors:
    """A store's vectors: ids of chunks, int8 values, their signs; `removals` tells whether it is still true."""

    ids: NDArray[np.int64]
    values: NDArray[np.int8]
    signs: NDArray[np.uint64]
    removals: int


EMPTY = Vectors(np.zeros(0, np.int64), np.zeros((0, WIDTH), np.int8), np.zeros((0, 4), np.uint64), -1)


class ChunkIndex:
    """Adds and finds chunks. `most_bytes` bounds the vectors kept in memory, over all stores."""

    def __init__(self, store: DocumentStore, embed: Embed, most_bytes: int = 256 * 2**20) -> None:
        self._store = store
        self._embed = embed
        self._loading = threading.Lock()
        self._vectors: LRUCache[int, Vectors] = LRUCache(most_bytes, getsizeof=lambda v: v.values.nbytes + 4096)

    def add(self, store: VectorStore, entry: Entry, chunks: Sequence[Chunk]) -> None:
        """Indexes a file's chunks and completes its entry, all or nothing."""
        texts = [f"{chunk.heading}\n{chunk.text}" for chunk in chunks]
        vectors = quantised(self._embed(texts)) if texts else np.zeros((0, WIDTH), np.int8)
        size = sum(len(text.encode()) + WIDTH for text in texts)
        with self._store.write() as db:
            sql = "SELECT status FROM entries WHERE store = ? AND file = ?"
            self._store.words.lock(db, store.number)
            row = db.execute(sql, (store.number, entry.file)).fetchone()
            if row is None or row[0] != "in_progress":
                return
            ids = self._store.words.number(db, len(chunks))
            numbered = list(zip(ids, chunks, vectors, strict=True))
            db.executemany(
                "INSERT INTO chunks (id, store, file, position, heading, text, vector) VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((i, store.number, entry.file, c.position, c.heading, c.text, v.tobytes()) for i, c, v in numbered),
            )
            passages = [Passage(i, c.heading, c.text) for i, c, _ in numbered]
            self._store.words.insert(db, store.number, passages)
            sql = "UPDATE entries SET status = 'completed', usage_bytes = ? WHERE store = ? AND file = ?"
            db.execute(sql, (size, store.number, entry.file))

    def count(self, store: VectorStore) -> int:
        """How many chunks a store has."""
        return int(self._store.db.execute("SELECT count(*) FROM chunks WHERE store = ?", (store.number,)).fetchone()[0])

    def search(self, store: VectorStore, lookup: Lookup) -> list[Hit]:
        """The best chunks, best first, without near-duplicates; scores from 0 to 1."""
        pool = max(POOL, 4 * lookup.limit)
        held = self._held(store)
        words = {} if lookup.method == "vectors" else self._by_words(store, lookup, pool, len(held.ids))
        vectors = {} if lookup.method == "words" else self._by_vectors(store, held, lookup, pool, words)
        share = {"words": 1.0, "vectors": 0.0}.get(lookup.method, lookup.word_share)
        scores = join(words, vectors) if share is None else join(words, vectors, share)
        order = [i for i in best_first(scores)[:pool] if scores[i] >= lookup.threshold and scores[i] > 0]
        hits = self._hits(store, order, scores)
        kept = [hits[place] for place in distinct([hit.text for hit in hits], lookup.limit)]
        return self._widened(store, kept, lookup)

    def _by_words(self, store: VectorStore, lookup: Lookup, pool: int, total: int) -> dict[int, float]:
        """BM25 over the most it could be for these terms: from 0 to 1."""
        terms = self._terms(store, lookup.query, total)
        if not terms:
            return {}
        most = sum(max(math.log((total - n + 0.5) / (n + 0.5)), 1e-6) for _, n in terms) * (K1 + 1.0)
        found = self._store.words.ranked(
            self._store.db, store.number, [term for term, _ in terms], _sorted(lookup.files), pool
        )
        return {i: min(max(score / most, 0.0), 1.0) for i, score in found.items()}

    def _terms(self, store: VectorStore, query: str, total: int) -> list[tuple[str, int]]:
        """The rarest terms of a query and how many chunks have each; words that are everywhere tell nothing."""
        asked = list(dict.fromkeys(word for word in _WORD.findall(query.lower()) if word not in STOP))[:64]
        asked = asked or _WORD.findall(query.lower())[:16]
        counts = self._store.words.matching(self._store.db, store.number, asked, max(int(total * 0.5), 20))
        found = [(word, n) for word, n in zip(asked, counts, strict=True) if n]
        found.sort(key=lambda term: term[1])
        rare = [term for term in found if term[1] <= max(COMMON_SHARE * total, 50)]
        return (rare or found[:2])[:MOST_TERMS] if total > 5000 else found[:MOST_TERMS]

    def _by_vectors(
        self, store: VectorStore, held: Vectors, lookup: Lookup, pool: int, words: Iterable[int]
    ) -> dict[int, float]:
        """Cosine, 0 where it is negative. What the words found is always compared too."""
        if not len(held.ids):
            return {}
        query = self._embed([lookup.query])[0].astype(np.float32)
        places = self._places(store, held, lookup, query, words)
        scores = held.values[places].astype(np.float32) @ query / SCALE
        best = np.argsort(-scores)[: max(pool, 1)]
        found = {int(held.ids[places[i]]): float(max(scores[i], 0.0)) for i in best}
        wanted = set(words)
        also = [i for i, place in enumerate(places) if int(held.ids[place]) in wanted] if wanted else []
        return found | {int(held.ids[places[i]]): float(max(scores[i], 0.0)) for i in also}

    def _places(
        self, store: VectorStore, held: Vectors, lookup: Lookup, query: NDArray[np.float32], words: Iterable[int]
    ) -> NDArray[np.intp]:
        if lookup.files is not None:
            files = sorted(lookup.files)
            ids = np.array(self._store.words.chunks_of(self._store.db, store.number, files), dtype=np.int64)
            return np.flatnonzero(np.isin(held.ids, ids))
        near = nearest_by_signs(held.signs, packed_signs(query[None, :])[0], NEAR)
        seen = np.searchsorted(held.ids, np.array(sorted(words), dtype=np.int64))
        return np.union1d(near, seen[seen < len(held.ids)])

    def _held(self, store: VectorStore) -> Vectors:
        """The store's vectors in memory: read once, then only what is new, or all again after a removal."""
        with self._loading:
            held = self._vectors.get(store.number, EMPTY)
            row = self._store.db.execute("SELECT removals FROM stores WHERE number = ?", (store.number,)).fetchone()
            removals = -2 if row is None else int(row[0])
            if held.removals != removals:
                held = replace(EMPTY, removals=removals)
            last = int(held.ids[-1]) if len(held.ids) else 0
            sql = "SELECT id, vector FROM chunks WHERE store = ? AND id > ? ORDER BY id"
            rows = self._store.db.execute(sql, (store.number, last)).fetchall()
            if rows:
                held = _grown(held, rows)
            if held.values.nbytes + 4096 <= self._vectors.maxsize:
                self._vectors[store.number] = held
            return held

    def _hits(self, store: VectorStore, order: Sequence[int], scores: dict[int, float]) -> list[Hit]:
        sql = (
            "SELECT c.id, c.file, f.name, c.position, c.heading, c.text, e.attributes FROM chunks c "
            "JOIN files f ON f.id = c.file JOIN entries e ON e.store = c.store AND e.file = c.file "
            f"WHERE c.id IN ({', '.join('?' * len(order)) or 'NULL'}) AND +c.store = ?"
        )  # The plus keeps SQLite from walking the whole store's index instead of a hundred ids.
        rows = {row[0]: row for row in self._store.db.execute(sql, (*order, store.number))}
        return [_hit(rows[i], scores[i], store.number) for i in order if i in rows]

    def _widened(self, store: VectorStore, hits: list[Hit], lookup: Lookup) -> list[Hit]:
        """With their neighbours, or the whole documents, where that is asked for."""
        reach = lookup.neighbours or (1 if lookup.strategy == "add_neighbors" else 0)
        if lookup.strategy == "full_doc":
            firsts = list({hit.file: hit for hit in reversed(hits)}.values())[::-1]
            return [replace(hit, text=self._span(store, hit.file, 0, 1 << 30)) for hit in firsts]
        if not reach:
            return hits
        return [replace(h, text=self._span(store, h.file, h.position - reach, h.position + reach)) for h in hits]

    def _span(self, store: VectorStore, file: str, first: int, last: int) -> str:
        sql = "SELECT text FROM chunks WHERE store = ? AND file = ? AND position BETWEEN ? AND ? ORDER BY position"
        texts = [row[0] for row in self._store.db.execute(sql, (store.number, file, first, last))]
        return joined(texts)[:MOST_DOCUMENT_CHARACTERS]


def _hit(row: Any, score: float, store: int) -> Hit:
    _, file, name, position, heading, text, attributes = row
    return Hit(file, name, position, heading, text, score, json.loads(attributes), store)


def _sorted(files: frozenset[str] | None) -> list[str] | None:
    return None if files is None else sorted(files)


def quantised(vectors: NDArray[np.float64]) -> NDArray[np.int8]:
    """Unit vectors as int8: a cosine is then off by less than 0.01."""
    return np.rint(vectors * SCALE).astype(np.int8)


def joined(texts: Sequence[str]) -> str:
    """Neighbouring chunks as one text, what they share said once."""
    whole = ""
    for text in texts:
        most = min(len(whole), len(text))
        shared = next((n for n in range(most, 15, -1) if whole.endswith(text[:n])), 0)
        whole += text[shared:] if shared else ("\n\n" if whole else "") + text
    return whole


def _grown(held: Vectors, rows: Sequence[Any]) -> Vectors:
    values = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.int8).reshape(-1, WIDTH)
    return Vectors(
        np.concatenate([held.ids, np.array([row[0] for row in rows], dtype=np.int64)]),
        np.concatenate([held.values, values]),
        np.concatenate([held.signs, packed_signs(values.astype(np.float32))]),
        held.removals,
    )
