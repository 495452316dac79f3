"""A text cut into words, each with its tokens and what is hashed of it: words that were met lately are remembered.

No token of the encoder's vocabulary goes on past a blank or holds a line's end, so no merge does, and byte-pair
encoding of the parts is that of the whole. Neither does `\\w+`, nor a letter whose lower case hangs on its neighbours.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_WORDS = 8_000
"""Of each of two generations: 5 MB at most, in which the words of nearly all texts have room."""
LONGEST_WORD = 40

_PART = re.compile(r" +[^ \n]*|\n[^ \n]*")
_GRAM = re.compile(r"\w+|[^\w\s]")


def words_of(text: str) -> list[str]:
    """The words, each without one blank before it: more blanks stand before the word, or alone at a line's end; a line
    begins with its sign. `" " + " ".join(words)`, without the blank before a line's end, is `" " + text`."""
    if "  " not in text and " \n" not in text and not text.startswith((" ", "\n")):
        return text.replace("\n", " \n").split(" ")
    return [part[1:] if part[0] == " " else part for part in _PART.findall(" " + text)]


def grams_of(word: str) -> tuple[bytes, ...]:
    """What is hashed of a word: runs of letters and digits, and each other sign."""
    lower = word.lower()
    if lower.isascii() and lower.isalnum():
        return (lower.encode(),)
    return tuple(gram.encode() for gram in _GRAM.findall(lower))


@dataclass
class Memory(Generic[T]):
    """What `read` says of each word. Two generations: when the younger is full it becomes the older, and what of that
    is not met again is forgotten."""

    read: Callable[[Sequence[str]], Sequence[Sequence[T]]]
    young: dict[str, Sequence[T]] = field(default_factory=dict)
    old: dict[str, Sequence[T]] = field(default_factory=dict)

    def of(self, words: Sequence[str]) -> list[T]:
        """What is said of all of them, one after another."""
        young = self.young
        try:
            return list(chain.from_iterable(map(young.__getitem__, words)))
        except KeyError:
            fresh = self._find(set(words).difference(young))
        if self._keep(fresh) is young:
            return list(chain.from_iterable(map(young.__getitem__, words)))
        return list(chain.from_iterable(fresh[word] if word in fresh else young[word] for word in words))

    def _find(self, unknown: set[str]) -> dict[str, Sequence[T]]:
        """Those of the older generation, and those read now."""
        old = self.old
        found = {word: old[word] for word in unknown if word in old}
        left = [word for word in unknown if word not in found]
        if left:
            found.update(zip(left, map(tuple, self.read(left)), strict=True))
        return found

    def _keep(self, found: dict[str, Sequence[T]]) -> dict[str, Sequence[T]] | None:
        """Remembers them; where, if all are there and nothing was moved."""
        young, kept = self.young, {word: said for word, said in found.items() if len(word) <= LONGEST_WORD}
        if len(young) + len(kept) > MOST_WORDS:
            self.old, self.young = young, kept
            return None
        young.update(kept)
        return young if len(kept) == len(found) else None
