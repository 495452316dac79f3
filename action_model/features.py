"""Features of a task's text: one function for training and serving. A changed feature is a new version.

(N, 256 + 256 + 2048 + 8): a frozen static embedding (wordllama, 256-d, weights inside its wheel), random Fourier
features of it (Rahimi & Recht 2007: an RBF kernel as a dot product), hashed word and word-pair counts (Weinberger et
al. 2009), and a few marks of code, maths and length.
"""

import math
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from action_model.words import Memory, grams_of, words_of

Floats = NDArray[np.float64]

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

TOGETHER = 256
"""Words to be read together."""
BLANK, LINE = "\u2581", "<0x0A>"
READ_WHOLE = ("<unk>", "<s>", "</s>", BLANK)

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
        row[:] = _pooled(_tokens(text, some) if text else tokens_of(" "))
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
    found: Floats = np.add.reduce(_encoder().embedding.take(tokens, axis=0), axis=0) / np.float32(max(len(tokens), 1))
    return found


def tokens_of(text: str) -> list[int]:
    """The encoder's tokens of a text, word by word; one that holds a special token or the sign for a blank is read
    whole."""
    return _tokens(text, words_of(text))


def _tokens(text: str, words: list[str]) -> list[int]:
    if not text or any(mark in text for mark in READ_WHOLE):
        whole: list[int] = _encoder().tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
        return whole
    return _tokens_by_word().of(words)


@cache
def _tokens_by_word() -> Memory[int]:
    return Memory(read_words)


@cache
def _grams_by_word() -> Memory[bytes]:
    return Memory(lambda words: [grams_of(word) for word in words])


def read_words(words: Sequence[str]) -> list[list[int]]:
    """Each word's tokens, with the blank before it; that before a line's end is a token by itself, which is left out,
    as it is the whole of an empty word.

    Read together, in this thread (a batch goes to others, to whose end it would wait), with a line's end, which no
    token goes on past, before each.
    """
    if len(words) == 1 and words[0]:  # a number that no text had before, most often
        tokens: list[int] = _encoder().tokenizer.encode(words[0], add_special_tokens=False).ids
        return [tokens[words[0].startswith("\n") :]]
    return [
        some for start in range(0, len(words), TOGETHER) for some in _read_together(words[start : start + TOGETHER])
    ]


def _read_together(words: Sequence[str]) -> list[list[int]]:
    tokenizer, own = _encoder().tokenizer, [word.startswith("\n") for word in words]
    lines = "".join(word if is_own else f"\n {word}" for word, is_own in zip(words, own, strict=True))
    tokens, line = tokenizer.encode(lines, add_special_tokens=False).ids, tokenizer.token_to_id(LINE)
    starts = [place for place, token in enumerate(tokens) if token == line]
    ends = [*starts[1:], len(tokens)]
    return [tokens[start + (not is_own) : end] for start, end, is_own in zip(starts, ends, own, strict=True)]


def vectors_of(tokens: Sequence[list[int]]) -> NDArray[np.float32]:
    """(N, 256): the sums of the vectors of some tokens each."""
    embedding, found = _encoder().embedding, np.zeros((len(tokens), EMBEDDING), np.float32)
    if len(tokens) == 1:
        np.add.reduce(embedding.take(tokens[0], axis=0), axis=0, out=found[0])
        return found
    order = sorted(range(len(tokens)), key=lambda place: -len(tokens[place]))
    summed = found.copy()  # the longest first: the first token of all, then the second of those that have one
    for place, count in enumerate(_longer(tokens)):
        summed[:count] += embedding.take([tokens[one][place] for one in order[:count]], axis=0)
    found[order] = summed
    return found


def _longer(tokens: Sequence[list[int]]) -> Iterator[int]:
    """How many have more than 0 tokens, more than 1, ..."""
    counts, left = Counter(map(len, tokens)), len(tokens)
    for length in range(max(counts, default=0)):
        left -= counts[length]
        yield left


@cache
def _encoder() -> Any:
    import wordllama

    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


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
    return marks_of(len(text), (*counted(text), text.count("\n"), text.count("?"), text.count("$")))


def marks_of(characters: int, counts: Sequence[float]) -> list[float]:
    """The marks of a text of so many characters, and of digits, capital letters, signs of operators, line ends,
    question marks and dollar signs among them."""
    length = characters + 1
    digits, capitals, operators, lines, questions, dollars = counts
    marks = (
        float(np.log(length)),
        digits / length,
        20.0 * lines / length,
        float(questions),
        10.0 * operators / length,
        float(np.log1p(digits)),
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
