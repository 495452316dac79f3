"""One text's projected features straight from its words: the same as the projection of `featurize`, in less time.

What is linear in the words is summed over them first, each once; then come one product for all that is dense, and one
for the hashed columns that are there.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from action_model.features import (
    CLIP_CHARACTERS,
    DENSE,
    EMBEDDING,
    FOURIER,
    MARKS,
    WIDTH,
    Floats,
    fourier,
    marks_of,
)
from action_model.lexicon import Lexicon, Singles
from action_model.tokens import tokens_of, vectors_of
from action_model.words import words_of


@cache
def lexicon() -> Lexicon:
    """The words met lately: what they are does not hang on what was learnt."""
    return Lexicon()


class Projected:
    """Reads texts for a basis (F, d) and a center (d,), in single precision."""

    def __init__(self, basis: NDArray[np.float32], center: Floats) -> None:
        self._lexicon = lexicon()
        self._dense = np.concatenate((basis[:DENSE], basis[WIDTH - MARKS :]))
        self._dense[EMBEDDING:DENSE] *= math.sqrt(2.0 / FOURIER)
        self._hashed, self._center = basis[DENSE : WIDTH - MARKS], center.astype(np.float32)
        weights, shifts = fourier()
        self._weights, self._shifts = weights.astype(np.float32), shifts.astype(np.float32)

    def __call__(self, text: str) -> Singles:
        """(d,): the same as `Projection` of the text's features."""
        clipped = text[:CLIP_CHARACTERS]
        summed, counts, columns, values = self._lexicon.read(words_of(clipped or " "))
        *marked, whole, _ = counts
        if whole:
            summed = vectors_of([tokens_of(clipped)])[0]
        dense = np.empty(len(self._dense), np.float32)
        unit = dense[:EMBEDDING]
        np.divide(summed, max(math.sqrt(float(summed @ summed)), 1e-9), out=unit)
        np.cos(unit @ self._weights + self._shifts, out=dense[EMBEDDING:DENSE])
        dense[DENSE:] = marks_of(len(clipped), marked)
        found: Singles = dense @ self._dense + values @ self._hashed.take(columns, axis=0) - self._center
        return found
