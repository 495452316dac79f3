"""Words in numbers, so that a text is read by looking up what each of its words adds, once for all its repeats."""

import math
from array import array
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple
from zlib import crc32

import numpy as np

from action_model.features import EMBEDDING, HASHED, Singles, counted
from action_model.grams import BITS, FIRST_PAIR, MOST_GRAMS, Grams, Numbers
from action_model.tokens import BLANK, READ_WHOLE, read_words, vectors_of
from action_model.words import grams_of

MOST_WORDS = 1 << 13
MOST_CHARACTERS = 1_000_000
"""Of all words: with their numbers 14 MB at most. When there is no more room, all are forgotten: the common ones are
back after a few texts."""
COUNTS = 8
"""Of a word: digits, capital letters, signs of operators, line ends, question marks, dollar signs, and whether it holds
what is read with its whole text; one is spare."""

_FIRST_WORD = 1 << 46
"""The least key of a word: lower ones are of grams and their pairs. After it come a word's own code, so that it is
summed in the same order whatever was read before, and its place."""


class Found(NamedTuple):
    """What a text's words say together: the sum (256,) of their tokens' vectors, the sums of their counts, and the
    hashed columns that are not 0, with their values, as a unit vector."""

    summed: Singles
    counts: list[float]
    columns: Numbers
    values: Singles


class Lexicon:
    """What was read of the words met lately: a row of sums each, and the numbers of its grams."""

    def __init__(self, most_words: int = MOST_WORDS, most_grams: int = MOST_GRAMS) -> None:
        self._most = min(most_words, MOST_WORDS)
        self._records: dict[str, bytes] = {}
        self._characters = 0
        self._rows = np.zeros((most_words, EMBEDDING + COUNTS), np.float32)
        self._grams = Grams(most_grams)
        self._lock = Lock()

    def read(self, words: Sequence[str]) -> Found:
        """Of the words of one text, in their order, at most a half as many as there is room for."""
        with self._lock:
            keys, starts = _distinct(self._keys(words))
            singles, others = keys.searchsorted((FIRST_PAIR, _FIRST_WORD)).tolist()
            repeats = (starts[others + 1 :] - starts[others:-1]).astype(np.float32)
            row = repeats @ self._rows.take(keys[others:] & (MOST_WORDS - 1), axis=0)
            hashes = self._grams.hashes(keys[:others], singles)
        return Found(row[:EMBEDDING], row[EMBEDDING:].tolist(), *_hashed(hashes))

    def _keys(self, words: Sequence[str]) -> Numbers:
        """One of each gram, of each pair, and of each word, as often as it comes."""
        records = self._records
        try:
            record = b"".join(map(records.__getitem__, words))
        except KeyError:
            self._learn(words)
            record = b"".join(map(records.__getitem__, words))
        numbers = np.frombuffer(record, np.int64)
        grams = numbers[numbers < FIRST_PAIR]
        return np.concatenate((numbers, (grams[:-1] << BITS) | grams[1:]))

    def _learn(self, words: Sequence[str]) -> None:
        """A record of each that has none: its own key, then the numbers of its grams."""
        fresh = list(set(words).difference(self._records))
        grams = [grams_of(word) for word in fresh]
        if not self._has_room(fresh, grams):
            self._forget()
            fresh = list(set(words))
            grams = [grams_of(word) for word in fresh]
        start = len(self._records)
        rows = self._rows[start : start + len(fresh)]
        rows[:, :EMBEDDING], rows[:, EMBEDDING:] = vectors_of(read_words(fresh)), 0.0
        for place, (word, some) in enumerate(zip(fresh, grams, strict=True)):
            if not (word.isascii() and word.isalpha() and word.islower()):
                rows[place, EMBEDDING:] = _counts(word)
            key = _FIRST_WORD | crc32(word.encode()) * MOST_WORDS | start + place
            self._records[word] = array("q", (key, *self._grams.numbers(some))).tobytes()
        self._characters += sum(map(len, fresh))

    def _has_room(self, fresh: Sequence[str], grams: Sequence[Sequence[bytes]]) -> bool:
        characters = self._characters + sum(map(len, fresh))
        enough = len(self._records) + len(fresh) <= self._most and characters <= MOST_CHARACTERS
        return enough and self._grams.has_room(sum(map(len, grams)))

    def _forget(self) -> None:
        self._records.clear()
        self._grams.forget()
        self._characters = 0


def _distinct(keys: Numbers) -> tuple[Numbers, Numbers]:
    """Each once, in ascending order, and where each begins among all of them, with the end of the last."""
    keys.sort()
    is_first = np.empty(len(keys) + 1, bool)
    is_first[0] = is_first[-1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:-1])
    starts = is_first.nonzero()[0]
    return keys.take(starts[:-1]), starts


def _hashed(hashes: Numbers) -> tuple[Numbers, Singles]:
    """Signed hashing, the same as `features` has it of the whole text."""
    counts = np.bincount(hashes, minlength=2 * HASHED)
    sums = counts[HASHED:] - counts[:HASHED]
    columns = sums.nonzero()[0]
    values = sums.take(columns).astype(np.float32)
    return columns, values / np.float32(max(math.sqrt(float(values @ values)), 1e-9))


def _counts(word: str) -> tuple[float, ...]:
    whole = ("<" in word or BLANK in word) and any(mark in word for mark in READ_WHOLE)
    return (*counted(word), word.count("\n"), word.count("?"), word.count("$"), whole, 0.0)
