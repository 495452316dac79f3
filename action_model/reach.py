"""How far what is seen of one action moves what is expected of the others, fitted on a few outcomes at a time.

The joint model is fitted on all outcomes of a task together. With many of them, too few of a few hundred particles
agree with all, and theta is fitted smaller than it is: beliefs then stay too hopeful after failures. A run sees few
outcomes of its task, so theta's length is fitted again on the likelihood of a few at a time (composite likelihood:
Lindsay 1988; Varin, Reid and Firth 2011), where the same particles are plenty.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.latent import Latent, logit, sigmoid

Ints = NDArray[np.intp]
LENGTHS = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.45, 1.6, 1.8, 2.0, 2.3)
"""Tried, of what theta was."""
AT_A_TIME = 4
MOST_ROWS = 2000
DRAWS = 2
PULL = 10.0
"""Of the length to 1, in log likelihood of a task per squared logarithm: few tasks change little."""


def reached(latent: Latent, marginals: Floats, score: Floats, calibrate: Callable[[Latent], Latent]) -> Latent:
    """The latent model with theta of the likeliest length for each group of actions seen on the same tasks.

    `marginals` and `score` are (N, M), NaN where nothing was seen; `calibrate` fits scale and bias to a theta.
    """
    tried = [calibrate(replace(latent, theta=length * latent.theta)) for length in LENGTHS]
    theta, scale, bias = latent.theta.copy(), latent.scale.copy(), latent.bias.copy()
    for columns in groups_of(score):
        rows, picks = _draw(score, columns)
        told = (
            [few_likelihood(one, marginals, score, rows, picks) for one in tried] if len(rows) else [0.0] * len(tried)
        )
        pulled = np.array(told) - PULL * np.log(LENGTHS) ** 2 * DRAWS / max(len(rows), 1)
        best = tried[int(np.argmax(pulled))]
        theta[columns], scale[columns], bias[columns] = best.theta[columns], best.scale[columns], best.bias[columns]
    return replace(latent, theta=theta, scale=scale, bias=bias)


def groups_of(score: Floats) -> list[Ints]:
    """The columns of each group of actions that hang together by tasks on which they were seen."""
    seen = (~np.isnan(score)).astype(float)
    together, left, groups = seen.T @ seen > 0, set(range(score.shape[1])), []
    while left:
        group = np.zeros(score.shape[1], dtype=bool)
        group[min(left)] = True
        while not np.array_equal(grown := group | together[group].any(axis=0), group):
            group = grown
        groups.append(np.flatnonzero(group))
        left -= set(np.flatnonzero(group).tolist())
    return groups


def few_likelihood(latent: Latent, marginals: Floats, score: Floats, rows: Ints, picks: Ints) -> float:
    """Mean log likelihood of a few outcomes of each task together: of the columns `picks` (R, k) of `rows` (R,)."""
    at = rows[:, None], picks
    logits = latent.scale[picks] * logit(marginals[at]) + latent.bias[picks]  # (R, k)
    shifts = latent.theta @ latent.particles.T  # (M, S)
    total = np.zeros((len(rows), len(latent.particles)))
    for place in range(picks.shape[1]):
        chance = np.clip(sigmoid(logits[:, place, None] + shifts[picks[:, place]]), 1e-6, 1.0 - 1e-6)  # (R, S)
        right = score[rows, picks[:, place]][:, None]
        total += right * np.log(chance) + (1.0 - right) * np.log1p(-chance)
    return float(np.log(np.exp(total).mean(axis=1)).mean())


def _draw(score: Floats, columns: Ints) -> tuple[Ints, Ints]:
    """Rows (R,) with as many outcomes, and which of them (R, k), drawn with a fixed seed; each row a few times."""
    dice = np.random.default_rng(0)
    seen = ~np.isnan(score[:, columns])
    count = min(AT_A_TIME, int(seen.sum(axis=1).max(initial=0)))
    rows = np.flatnonzero(seen.sum(axis=1) >= count) if count > 1 else np.zeros(0, dtype=np.intp)
    rows = np.repeat(rows[:: max(1, -(-len(rows) // MOST_ROWS))], DRAWS)
    order = np.argsort(np.where(seen[rows], dice.random((len(rows), len(columns))), 2.0), axis=1)
    return rows, columns[order[:, :count]]
