"""Ranks what words and vectors found, and drops near-duplicates. Pure."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

WORD_SHARE = 0.5
"""How much the words count against the vectors: the best mean over the dev questions of scripts/bench_retrieval.py."""
SAME_SHARE = 0.85
_WORD = re.compile(r"\w+")


def join(words: Mapping[int, float], vectors: Mapping[int, float], share: float = WORD_SHARE) -> dict[int, float]:
    """A convex combination of two scores from 0 to 1 (after Bruch et al., arXiv 2210.11934); missing counts 0."""
    ids = words.keys() | vectors.keys()
    return {i: share * words.get(i, 0.0) + (1.0 - share) * vectors.get(i, 0.0) for i in ids}


def best_first(scores: Mapping[int, float]) -> list[int]:
    """Ids by falling score; the earlier id first where scores are equal."""
    return sorted(scores, key=lambda i: (-scores[i], i))


def distinct(texts: Sequence[str], wanted: int) -> list[int]:
    """Places of the first `wanted` texts that are not nearly the same as one before them."""
    kept: list[int] = []
    seen: list[frozenset[int]] = []
    for place, text in enumerate(texts):
        marks = shingles(text)
        if any(overlap(marks, other) >= SAME_SHARE for other in seen):
            continue
        kept.append(place)
        seen.append(marks)
        if len(kept) == wanted:
            break
    return kept


def shingles(text: str) -> frozenset[int]:
    """Hashes of all runs of three words."""
    words = _WORD.findall(text.lower())
    if len(words) < 3:
        return frozenset((hash(tuple(words)),))
    return frozenset(hash(run) for run in zip(words, words[1:], words[2:], strict=False))


def overlap(first: frozenset[int], second: frozenset[int]) -> float:
    """Shared shingles over all shingles of the shorter: 1 where one text contains the other."""
    return len(first & second) / max(min(len(first), len(second)), 1)


def packed_signs(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(N, 4) the signs of 256-d vectors as bits."""
    return np.packbits(vectors > 0, axis=1).view(np.uint64)


def nearest_by_signs(signs: NDArray[np.uint64], query: NDArray[np.uint64], count: int) -> NDArray[np.intp]:
    """Places of the `count` vectors whose signs differ least from the query's."""
    if len(signs) <= count:
        return np.arange(len(signs))
    distance = np.bitwise_count(signs ^ query).sum(axis=1, dtype=np.uint16)
    return np.argpartition(distance, count - 1)[:count]
