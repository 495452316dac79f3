"""What else than marginals is told of a text, by ridge: how long answers are, in tokens and seconds, and how many
requirements such texts had."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats, Singles
from action_model.learnt import Learnt


@dataclass(frozen=True)
class Aside:
    """`rows` (A, d) and `at` (A,) tell the logarithm of output tokens of all M models, then that of seconds of those
    with paces (L), then how many requirements such texts had, by table, and last 0, the number where no text had any.
    `table` (M,) is which of these counts is a model's."""

    rows: Floats
    at: Floats
    paced: int
    table: NDArray[np.intp]

    def of(self, told: Singles) -> tuple[Floats, Floats, Floats]:
        """(M,) tokens, (L,) seconds, (M,) requirements, from what the rows told of a text (A,)."""
        models = len(self.table)
        said, paced = told.astype(np.float64), models + self.paced
        return said[:models], said[models:paced], np.maximum(said[paced:], 0.0).take(self.table)


def lay_aside(learnt: Learnt) -> Aside:
    """Lays out all ridges besides the marginals' own one after another."""
    paces, counts = [] if learnt.paces is None else [learnt.paces.ridge], learnt.requirement_counts
    ridges = [learnt.log_tokens, *paces, *counts.values()]
    table = np.full(len(learnt.models), len(counts), dtype=np.intp)
    for place, name in enumerate(counts):
        table[list(learnt.tables[name])] = place
    none = np.zeros((1, learnt.projection.basis.shape[1]))
    return Aside(
        np.concatenate([*(ridge.weights.T for ridge in ridges), none]),
        np.concatenate([*(ridge.mean - ridge.center @ ridge.weights for ridge in ridges), none[0, :1]]),
        sum(len(ridge.mean) for ridge in paces),
        table,
    )
