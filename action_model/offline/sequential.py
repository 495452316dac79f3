"""Calls one at a time until one passes an exact verifier: what it saves that a failure moves the other expectations.

Next comes the action with the highest index 1 - worth of a dollar × usd / chance, as long as one is above 0: the best
order there is for independent chances (Pandora's boxes: Weitzman 1979) were calls not limited. With beliefs that a
failure moves, the indices are computed again after each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.frontier import cost_at_share, single_points
from action_model.latent import Latent
from action_model.outcomes import Grid

MOST_CALLS = 4
POINTS = 60
PASS = 0.999
LEAST_CHANCE = 1e-6
MOST_TASKS = 2000
"""The first so many are played: a figure of each task under each particle is kept."""
SHARES = (1.0, 1.03, 1.06, 1.1)
"""Of the best single model's success, at which costs are compared."""


@dataclass(frozen=True)
class Tasks:
    """`chances` (N, S, M) of success under each particle, dollars expected and spent (N, M), `passed` (N, M)."""

    chances: Floats
    expected_usd: Floats
    usd: Floats
    passed: NDArray[np.bool_]


def sequential_figures(
    latent: Latent, marginal: Floats, expected_usd: Floats, test: Grid
) -> dict[str, dict[str, float]]:
    """By share of the best single model's success, what it costs as a share of that model's dollars: with beliefs that
    a failure moves, and with chances that it leaves alone. A success that one of them does not reach is left out."""
    some = test.take(np.arange(min(MOST_TASKS, len(test.prompts))))
    chances = np.array([latent.success(row) for row in marginal[:MOST_TASKS]])
    tasks = Tasks(chances, expected_usd[:MOST_TASKS], some.usd, some.score >= PASS)
    singles = single_points(some)
    curves = {name: followed(tasks, is_joint) for name, is_joint in (("joint", True), ("independent", False))}
    found = {}
    for share in SHARES:
        costs = {name: cost_at_share(points, singles, share) for name, points in curves.items()}
        found[f"{share:g}"] = {name: cost for name, cost in costs.items() if cost is not None}
    return found


def followed(tasks: Tasks, is_joint: bool) -> Floats:
    """(POINTS, 2): mean dollars and success, for as many worths of a dollar."""
    typical = float(np.median(tasks.expected_usd.max(axis=1))) or 1.0
    return np.array([_played(tasks, weight / typical, is_joint) for weight in np.logspace(-3.0, 3.0, POINTS)])


def _played(tasks: Tasks, usd_value: float, is_joint: bool) -> tuple[float, float]:
    """Mean dollars and success at one worth of a dollar; the first call is always made."""
    rows, count = np.arange(len(tasks.usd)), tasks.chances.shape[1]
    weights = np.full((len(rows), count), 1.0 / count)
    alone = tasks.chances.mean(axis=1)
    free, alive = np.ones(tasks.usd.shape, dtype=bool), np.ones(len(rows), dtype=bool)
    spent, solved = 0.0, 0.0
    for call in range(MOST_CALLS):
        chance = np.einsum("ns,nsm->nm", weights, tasks.chances) if is_joint else alone
        index = np.where(free, 1.0 - usd_value * tasks.expected_usd / np.maximum(chance, LEAST_CHANCE), -np.inf)
        pick = index.argmax(axis=1)
        alive = alive & ((call == 0) | (index[rows, pick] > 0.0))
        passes = tasks.passed[rows, pick]
        spent += float(tasks.usd[rows, pick][alive].sum())
        solved += float((alive & passes).sum())
        alive = alive & ~passes
        free[rows, pick] = False
        weights = weights * (1.0 - tasks.chances[rows, :, pick])
        weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    return spent / len(rows), solved / len(rows)
