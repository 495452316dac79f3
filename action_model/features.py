"""Features of a task's text: one function for training and serving. A changed feature is a new version.

(N, 256 + 256 + 2048 + 8): a frozen static embedding (wordllama, 256-d, weights inside its wheel), random Fourier
features of it (Rahimi & Recht 2007: an RBF kernel as a dot product), hashed word and word-pair counts (Weinberger et
al. 2009), and a few marks of code, maths and length.
"""

import math
import re
import string
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

VERSION = 1
EMBEDDING = 256
FOURIER = 256
HASHED = 2048
MARKS = 8
WIDTH = EMBEDDING + FOURIER + HASHED + MARKS
CLIP_CHARACTERS = 4000
REMEMBERED = 4096
FOURIER_SCALE = 0.5
MARK_WEIGHT = 0.3

READ_WHOLE = ("<unk>", "<s>", "</s>", "\u2581")
MOST_WORDS = 50_000
LONGEST_WORD = 40

_WORD = re.compile(r" +[^ ]+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_DIGITS, _CAPITALS = string.digits.encode(), string.ascii_uppercase.encode()
_OPERATOR = re.compile(r"[=+\-*/^<>]")
_MARK_MEAN = np.array([5.9, 0.05, 0.3, 1.0, 0.2, 2.0, 0.2, 0.4])
_MARK_SPREAD = np.array([1.0, 0.08, 0.4, 1.2, 0.3, 1.5, 0.6, 0.5])


def featurize(texts: Sequence[str]) -> Floats:
    """(N, WIDTH). Deterministic; about 0.2 ms for a text of ordinary length."""
    clipped = [text[:CLIP_CHARACTERS] for text in texts]
    embedded = embed(clipped)
    weights, shifts = _fourier()
    fourier = np.sqrt(2.0 / FOURIER) * np.cos(embedded @ weights + shifts)
    hashed = np.stack([_hashed(text) for text in clipped]) if clipped else np.zeros((0, HASHED))
    marks = np.array([_marks(text) for text in clipped]).reshape(-1, MARKS)
    scaled = MARK_WEIGHT * np.clip((marks - _MARK_MEAN) / _MARK_SPREAD, -3.0, 3.0)
    return np.concatenate([embedded, fourier, hashed, scaled], axis=1)


def embed(texts: Sequence[str]) -> Floats:
    """(N, 256) unit vectors of the frozen static embedding; about 0.1 ms a text."""
    if not texts:
        return np.zeros((0, EMBEDDING))
    vectors = _pooled([text or " " for text in texts])
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
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


def _pooled(texts: list[str]) -> Floats:
    """(N, 256): means of the tokens' vectors, bit for bit the encoder's own `embed`, without places of tokens in the
    text and without padding, which take it half as long again."""
    encoder = _encoder()
    found = np.empty((len(texts), EMBEDDING))
    for row, text in zip(found, texts, strict=True):
        tokens = tokens_of(text)
        row[:] = encoder.embedding[tokens].sum(axis=0) / np.float32(max(len(tokens), 1))
    return found


def tokens_of(text: str) -> list[int]:
    """The encoder's tokens of a text: word by word, each once; words that were met before are remembered.

    No token of its vocabulary goes on past a blank, so no merge does, and byte-pair encoding of the parts is that of
    the whole. Where a text ends with a blank, or holds a special token or the sign for a blank, it is read whole.
    """
    tokenizer = _encoder().tokenizer
    if not text or text.endswith(" ") or any(mark in text for mark in READ_WHOLE):
        whole: list[int] = tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
        return whole
    known = _known_words()
    words = _WORD.findall(" " + text)
    unknown = [word for word in dict.fromkeys(words) if word not in known]
    found = {}
    if unknown:
        read = tokenizer.encode_batch_fast([word[1:] for word in unknown], add_special_tokens=False)
        padded = zip(unknown, read, strict=True)
        found = {word: one.ids[: sum(one.attention_mask)] for word, one in padded}
        if len(known) + len(found) <= MOST_WORDS:
            known.update((word, ids) for word, ids in found.items() if len(word) <= LONGEST_WORD)
    return [token for word in words for token in (known[word] if word in known else found[word])]


@cache
def _known_words() -> dict[str, list[int]]:
    """Words with the blanks before them, and their tokens: full after a few thousand texts, and 20 MB at most."""
    return {}


@cache
def _encoder() -> Any:
    import wordllama

    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


@cache
def _fourier() -> tuple[Floats, Floats]:
    random = np.random.default_rng(VERSION)
    weights = random.normal(0.0, 1.0 / FOURIER_SCALE, (EMBEDDING, FOURIER))
    return weights, random.uniform(0.0, 2 * np.pi, FOURIER)


def _hashed(text: str) -> Floats:
    """Signed hashing of the set of words and word pairs, as a unit vector."""
    words = _TOKEN.findall(text.lower())
    grams = set(words)
    grams.update(f"{first} {second}" for first, second in pairwise(words))
    vector = np.zeros(HASHED)
    if grams:
        codes = np.fromiter((zlib.crc32(gram.encode()) for gram in grams), dtype=np.int64, count=len(grams))
        signs = np.where(codes >> 31 & 1, 1.0, -1.0)
        vector += np.bincount(codes % HASHED, signs, HASHED)  # sums of whole numbers: in any order the same
        vector /= max(math.sqrt(float(vector @ vector)), 1e-9)
    return vector


def _marks(text: str) -> list[float]:
    length = len(text) + 1
    digits, capitals = _counted(text)
    return [
        float(np.log(length)),
        digits / length,
        20.0 * text.count("\n") / length,
        float(text.count("?")),
        10.0 * len(_OPERATOR.findall(text)) / length,
        float(np.log1p(digits)),
        50.0 * text.count("$") / length,
        10.0 * capitals / length,
    ]


def _counted(text: str) -> tuple[int, int]:
    """Digits and capital letters."""
    if not text.isascii():
        return sum(map(str.isdigit, text)), sum(map(str.isupper, text))
    plain = text.encode()
    return len(plain) - len(plain.translate(None, _DIGITS)), len(plain) - len(plain.translate(None, _CAPITALS))
