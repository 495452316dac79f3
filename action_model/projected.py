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
    Singles,
    fourier,
    marks_of,
)
from action_model.lexicon import Lexicon
from action_model.tokens import tokens_of, vectors_of
from action_model.words import words_of


@cache
def lexicon() -> Lexicon:
    """The words met lately: what they are does not hang on what was learnt."""
    return Lexicon()


class Projected:
    """Reads texts for a basis (F, d) and a center (d,), in single precision.

    Dense are, in this order, the embedding, a 1, which is the weight of what is added to all, the Fourier features, and
    the marks.
    """

    def __init__(self, basis: NDArray[np.float32], center: Floats) -> None:
        weights, shifts = fourier()
        self._lexicon = lexicon()
        self._waves = np.vstack((weights, shifts)).astype(np.float32)
        below = basis[EMBEDDING:DENSE] * math.sqrt(2.0 / FOURIER)
        self._dense = np.vstack((basis[:EMBEDDING], -center, below, basis[WIDTH - MARKS :])).astype(np.float32)
        self._hashed = basis[DENSE : WIDTH - MARKS]

    def __call__(self, text: str) -> Singles:
        """(d,): the same as `Projection` of the text's features."""
        clipped = text[:CLIP_CHARACTERS]
        summed, (*counts, whole, _), columns, values = self._lexicon.read(words_of(clipped or " "))
        if whole:
            summed = vectors_of([tokens_of(clipped)])[0]
        dense = np.empty(len(self._dense), np.float32)
        np.divide(summed, max(math.sqrt(float(summed @ summed)), 1e-9), out=dense[:EMBEDDING])
        dense[EMBEDDING] = 1.0
        np.cos(dense[: EMBEDDING + 1] @ self._waves, out=dense[EMBEDDING + 1 : DENSE + 1])
        dense[DENSE + 1 :] = marks_of(len(clipped), counts, (math.log(len(clipped) + 1), math.log1p(counts[0])))
        found: Singles = dense @ self._dense
        found += values @ self._hashed.take(columns, axis=0)
        return found
