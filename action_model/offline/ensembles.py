"""The worth of trying several actions one after another until one passes, at many operating points at once."""

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats

Order = NDArray[np.intp]
"""(P, M): the actions to try at each operating point, first to last; -1 once no further one is worth its money."""


def ensemble_value(score: Floats, usd: Floats, points: Floats) -> Floats:
    """(P,): tries in a greedy order until one passes; success less the value of all the money spent.

    `score` (N, M) may hold chances. Stops where no further action is worth its money.
    """
    return _greedy(score, usd, points)[0]


def greedy_order(score: Floats, usd: Floats, points: Floats) -> Order:
    """The order of these tries: each time the action that adds most to what the earlier ones leave unsolved."""
    return _greedy(score, usd, points)[1]


def followed(score: Floats, usd: Floats, points: Floats, order: Order) -> Floats:
    """(P, N): what trying in this order is worth on each task; the order may come from other tasks."""
    found, unsolved = np.zeros((len(points), len(score))), np.ones((len(points), len(score)))
    for taken in order.T:
        tried = taken >= 0
        passes, price = score[:, taken[tried]].T, points[tried, None] * usd[:, taken[tried]].T  # (p, N)
        found[tried] += unsolved[tried] * (passes - price)
        unsolved[tried] *= 1.0 - passes
    return found


def _greedy(score: Floats, usd: Floats, points: Floats) -> tuple[Floats, Order]:
    count, width = score.shape
    rows, value = np.arange(len(points)), np.zeros(len(points))
    unsolved, free = np.ones((len(points), count)), np.ones((len(points), width), dtype=bool)
    order: Order = np.full((len(points), width), -1, dtype=np.intp)
    alive = np.ones(len(points), dtype=bool)
    for step in range(width):
        gains = (unsolved @ score - points[:, None] * (unsolved @ usd)) / max(count, 1)  # (P, M)
        best = np.where(free, gains, -np.inf).argmax(axis=1)
        alive &= free[rows, best] & (gains[rows, best] > 0.0)
        if not alive.any():
            break
        taken = best[alive]
        value[alive] += gains[alive, taken]
        order[alive, step] = taken
        free[alive, taken] = False
        unsolved[alive] *= 1.0 - score[:, taken].T
    return value, order
