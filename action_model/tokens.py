"""The frozen encoder: the tokens of words, and their vectors (wordllama, 256-d, its weights inside its wheel)."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from action_model.words import Memory, words_of

TOGETHER = 256
"""Words to be read together."""
BLANK, LINE = "\u2581", "<0x0A>"
READ_WHOLE = ("<unk>", "<s>", "</s>", BLANK)

_PART = re.compile("[0-9]|[^0-9]+")
_DIGIT = re.compile("[0-9]")


@cache
def encoder() -> Any:
    """Its tokenizer and its table of vectors."""
    import wordllama

    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


def tokens_of(text: str) -> list[int]:
    """The encoder's tokens of a text, word by word; one that holds a special token or the sign for a blank is read
    whole."""
    return tokens_in(text, words_of(text))


def tokens_in(text: str, words: list[str]) -> list[int]:
    """The same of a text that was cut into words."""
    if not text or any(mark in text for mark in READ_WHOLE):
        whole: list[int] = encoder().tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
        return whole
    return tokens_by_word().of(words)


@cache
def tokens_by_word() -> Memory[int]:
    """The tokens of the words met lately."""
    return Memory(read_words)


@cache
def _tokens_inside() -> Memory[int]:
    """Those of parts of words, without a blank before."""
    return Memory(lambda parts: [tokens[1:] for tokens in _read_plain([f"\n{part}" for part in parts])])


def read_words(words: Sequence[str]) -> list[list[int]]:
    """Each word's tokens, with the blank before it; that before a line's end is a token by itself, which is left out,
    as it is the whole of an empty word."""
    plain = [word for word in words if not _DIGIT.search(word)]
    told = dict(zip(plain, _read_plain(plain), strict=True))
    return [told[word] if word in told else _read_number(word) for word in words]


def _read_number(word: str) -> list[int]:
    """No token holds a digit and more, so what stands between digits is read by itself: most numbers are new, and what
    they are made of is not."""
    first, *rest = _PART.findall(word)
    if "0" <= first <= "9":
        first, rest = "", [first, *rest]
    return [*tokens_by_word().of([first]), *_tokens_inside().of(rest)]


def _read_plain(words: Sequence[str]) -> list[list[int]]:
    """Read together, in this thread (a batch goes to others, to whose end it would wait), with a line's end, which no
    token goes on past, before each."""
    parts = (words[start : start + TOGETHER] for start in range(0, len(words), TOGETHER))
    return [tokens for part in parts for tokens in _read_lines(part)]


def _read_lines(words: Sequence[str]) -> list[list[int]]:
    tokenizer, own = encoder().tokenizer, [word.startswith("\n") for word in words]
    lines = "".join(word if is_own else f"\n {word}" for word, is_own in zip(words, own, strict=True))
    tokens, line = tokenizer.encode(lines, add_special_tokens=False).ids, tokenizer.token_to_id(LINE)
    starts = [place for place, token in enumerate(tokens) if token == line]
    ends = [*starts[1:], len(tokens)]
    return [tokens[start + (not is_own) : end] for start, end, is_own in zip(starts, ends, own, strict=True)]


def vectors_of(tokens: Sequence[list[int]]) -> NDArray[np.float32]:
    """(N, 256): the sums of the vectors of some tokens each."""
    embedding = encoder().embedding
    found = np.zeros((len(tokens), embedding.shape[1]), np.float32)
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
