"""Features of a task's text: one function for training and serving. A changed feature is a new version.

(N, 256 + 256 + 2048 + 8): a frozen static embedding (wordllama, 256-d, weights inside its wheel), random Fourier
features of it (Rahimi & Recht 2007: an RBF kernel as a dot product), hashed word and word-pair counts (Weinberger et
al. 2009), and a few marks of code, maths and length.
"""

import math
import re
import string
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from action_model.tokens import encoder, tokens_in, tokens_of
from action_model.words import Memory, grams_of, words_of

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

VERSION = 1
EMBEDDING = 256
FOURIER = 256
HASHED = 2048
MARKS = 8
DENSE = EMBEDDING + FOURIER
"""Columns before the hashed ones; the marks stand after them."""
WIDTH = EMBEDDING + FOURIER + HASHED + MARKS
CLIP_CHARACTERS = 4000
REMEMBERED = 4096
FOURIER_SCALE = 0.5
MARK_WEIGHT = 0.3

_DIGITS, _CAPITALS, _OPERATORS = string.digits.encode(), string.ascii_uppercase.encode(), b"=+-*/^<>"
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_MARK_MEAN = (5.9, 0.05, 0.3, 1.0, 0.2, 2.0, 0.2, 0.4)
_MARK_SPREAD = (1.0, 0.08, 0.4, 1.2, 0.3, 1.5, 0.6, 0.5)


def featurize(texts: Sequence[str]) -> Floats:
    """(N, WIDTH). Deterministic; about 0.2 ms for a text of ordinary length."""
    clipped = [text[:CLIP_CHARACTERS] for text in texts]
    words = [words_of(text) for text in clipped]
    found = np.empty((len(clipped), WIDTH))
    embedded = found[:, :EMBEDDING]
    embedded[:] = _embed(clipped, words)
    weights, shifts = fourier()
    found[:, EMBEDDING:DENSE] = np.sqrt(2.0 / FOURIER) * np.cos(embedded @ weights + shifts)
    for row, text, some in zip(found, clipped, words, strict=True):
        row[DENSE:-MARKS] = _hashed(some)
        row[-MARKS:] = _marks(text)
    return found


def embed(texts: Sequence[str]) -> Floats:
    """(N, 256) unit vectors of the frozen static embedding; about 0.1 ms a text."""
    return _embed(texts, [words_of(text) for text in texts])


def _embed(texts: Sequence[str], words: Sequence[list[str]]) -> Floats:
    vectors = np.empty((len(texts), EMBEDDING))
    for row, text, some in zip(vectors, texts, words, strict=True):
        row[:] = _pooled(tokens_in(text, some) if text else tokens_of(" "))
    unit: Floats = vectors / np.maximum(np.sqrt(np.add.reduce(vectors * vectors, axis=1, keepdims=True)), 1e-9)
    return unit


def similarities(text: str, others: Sequence[str]) -> list[float]:
    """Cosines of the embeddings of a text and others; those of the others are remembered."""
    if not others:
        return []
    found: Floats = np.stack([_remembered(other) for other in others]) @ embed([text[:CLIP_CHARACTERS]])[0]
    return [float(value) for value in found]


@lru_cache(maxsize=REMEMBERED)
def _remembered(text: str) -> Floats:
    found: Floats = embed([text])[0]
    return found


def _pooled(tokens: list[int]) -> Floats:
    """(256,): the mean of the tokens' vectors, bit for bit the encoder's own `embed`, without places of tokens in the
    text and without padding, which take it half as long again."""
    found: Floats = np.add.reduce(encoder().embedding.take(tokens, axis=0), axis=0) / np.float32(max(len(tokens), 1))
    return found


@cache
def _grams_by_word() -> Memory[bytes]:
    return Memory(lambda words: [grams_of(word) for word in words])


@cache
def fourier() -> tuple[Floats, Floats]:
    """Weights (256, 256) and shifts (256,) of the random features."""
    random = np.random.default_rng(VERSION)
    weights = random.normal(0.0, 1.0 / FOURIER_SCALE, (EMBEDDING, FOURIER))
    return weights, random.uniform(0.0, 2 * np.pi, FOURIER)


def _hashed(words: list[str]) -> Floats:
    """Signed hashing of the set of grams and of their pairs, as a unit vector. `zlib.crc32` goes on from a beginning:
    a pair's is made from its first gram's."""
    grams = _grams_by_word().of(words)
    vector = np.zeros(HASHED)
    if grams:
        begun = {gram: crc32(gram) for gram in set(grams)}
        codes = list(begun.values())
        begun = {gram: crc32(b" ", code) for gram, code in begun.items()}
        codes += [crc32(second, begun[first]) for first, second in set(pairwise(grams))]
        found = np.array(codes, dtype=np.int64)
        signs = np.where(found >> 31 & 1, 1.0, -1.0)
        vector += np.bincount(found % HASHED, signs, HASHED)  # sums of whole numbers: in any order the same
        vector /= max(math.sqrt(float(vector @ vector)), 1e-9)
    return vector


def _marks(text: str) -> list[float]:
    digits, *others = counted(text)
    counts = (digits, *others, text.count("\n"), text.count("?"), text.count("$"))
    return marks_of(len(text), counts, (float(np.log(len(text) + 1)), float(np.log1p(digits))))


def marks_of(characters: int, counts: Sequence[float], logarithms: tuple[float, float]) -> list[float]:
    """The marks of a text of so many characters, and of digits, capital letters, signs of operators, line ends,
    question marks and dollar signs among them; the logarithms are of one more than the characters and the digits."""
    length = characters + 1
    digits, capitals, operators, lines, questions, dollars = counts
    marks = (
        logarithms[0],
        digits / length,
        20.0 * lines / length,
        float(questions),
        10.0 * operators / length,
        logarithms[1],
        50.0 * dollars / length,
        10.0 * capitals / length,
    )
    return [
        MARK_WEIGHT * min(max((mark - mean) / spread, -3.0), 3.0)
        for mark, mean, spread in zip(marks, _MARK_MEAN, _MARK_SPREAD, strict=True)
    ]


def counted(text: str) -> tuple[int, int, int]:
    """Digits, capital letters, and signs of operators, in a text."""
    foreign = "" if text.isascii() else "".join(_FOREIGN.findall(text))
    plain = text.encode("ascii", "ignore")
    digits, capitals, operators = (
        len(plain) - len(plain.translate(None, some)) for some in (_DIGITS, _CAPITALS, _OPERATORS)
    )
    return digits + sum(map(str.isdigit, foreign)), capitals + sum(map(str.isupper, foreign)), operators
