"""What is hashed of texts, in numbers: each gram has one, and a pair's code is made from its two grams' without reading
either again.

CRC-32 is linear over bits: the code of a then b is that of b, and that of a moved on by b's length (as zlib's
`crc32_combine` has it). What moving on by n bytes makes of each byte of a code lies in a table.
"""

from array import array
from collections.abc import Sequence
from functools import cache
from typing import TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from action_model.features import HASHED

Numbers = NDArray[np.int64]
N = TypeVar("N", int, Numbers)

MOST_GRAMS = 16_384
"""1 MB of numbers, and their names: one text brings four thousand at most."""
BITS = 20
"""Of a gram's number: a pair's key is its first gram's, then its second's."""
FIRST_PAIR = 1 << BITS
"""The least key of a pair: lower ones are single grams."""
LONGEST_MOVED = 32
"""Bytes of a gram up to which moving on lies in a table; a pair with a longer one behind is read."""

BITS_OF_COLUMN = HASHED.bit_length() - 1

_STEP = 4 * 256


class Grams:
    """Grams by number, from 1 on, as many as there is room for."""

    def __init__(self, most: int = MOST_GRAMS) -> None:
        self._most, self._moves = most, _moves()
        self._numbers: dict[bytes, int] = {}
        self._names: list[bytes] = [b""]
        self._hashes, self._hash = _column(most)
        self._begins, self._begin = _column(4 * most)  # by byte of the code of the gram and a blank, from the lowest on
        self._steps, self._step = _column(most)
        self._parts = self._begin.reshape(4, most)
        self._has_long = False

    def has_room(self, count: int) -> bool:
        """For so many more?"""
        return len(self._names) + count <= self._most

    def forget(self) -> None:
        """All of them: numbers begin again."""
        self._numbers.clear()
        del self._names[1:]
        self._has_long = False

    def numbers(self, grams: Sequence[bytes]) -> list[int]:
        """The number of each; a new one gets the next. There must be room."""
        known = self._numbers
        return [known.get(gram) or self._add(gram) for gram in grams]

    def hashes(self, keys: Numbers, singles: int) -> Numbers:
        """Where what the keys stand for is hashed to: so many single grams, then pairs, with a blank between."""
        pairs = keys[singles:]
        second = pairs & (FIRST_PAIR - 1)
        steps = self._step.take(second)
        places = self._parts.take(pairs >> BITS, axis=1)
        places += steps
        hashes = self._hash.take(np.concatenate((keys[:singles], second)))
        hashes[singles:] ^= np.bitwise_xor.reduce(self._moves.take(places, mode="clip"), axis=0)
        if self._has_long:
            self._read_long(hashes[singles:], pairs, steps)
        return hashes

    def _read_long(self, hashes: Numbers, pairs: Numbers, steps: Numbers) -> None:
        for place in np.flatnonzero(steps > _STEP * LONGEST_MOVED).tolist():
            first, second = divmod(int(pairs[place]), FIRST_PAIR)
            hashes[place] = hash_of(crc32(self._names[first] + b" " + self._names[second]))

    def _add(self, gram: bytes) -> int:
        number = self._numbers[gram] = len(self._names)
        self._names.append(gram)
        code = crc32(gram)
        self._hashes[number] = hash_of(code)
        self._steps[number] = _STEP * len(gram)
        self._has_long |= len(gram) > LONGEST_MOVED
        begin, begins, most = crc32(b" ", code), self._begins, self._most
        begins[number] = begin & 255
        begins[most + number] = 256 + (begin >> 8 & 255)
        begins[2 * most + number] = 512 + (begin >> 16 & 255)
        begins[3 * most + number] = 768 + (begin >> 24)
        return number


def hash_of(code: N) -> N:
    """The bits of a code that tell where it is hashed to: a column, and above it whether it counts as 1 or as -1."""
    return code & (HASHED - 1) | code >> 31 << BITS_OF_COLUMN


def _column(count: int) -> tuple["array[int]", Numbers]:
    """Whole numbers, to be set one at a time, and the same memory to be read many at a time."""
    column = array("q", bytes(8 * count))
    return column, np.frombuffer(column, np.int64)


@cache
def _moves() -> Numbers:
    """(33 · 4 · 256,): the hash of what moving on by n bytes makes of each value of each byte of a code, from the
    lowest on."""
    step = np.array([crc32(b"\0", value) ^ crc32(b"\0") for value in range(256)])
    now = (np.arange(256) << (8 * np.arange(4))[:, None]).ravel()
    rows = [now]
    for _ in range(LONGEST_MOVED):
        now = step[now & 0xFF] ^ (now >> 8)
        rows.append(now)
    return hash_of(np.concatenate(rows))
