"""Fills a matrix of outcomes of which only a part was observed.

Scores of all actions on one task are jointly normal around a mean that is linear in the task's features; what was not
observed is its conditional expectation. Fitted by expectation-maximisation over the observed cells (Dempster, Laird
& Rubin
1977; Little & Rubin 2019, ch. 11): which cells were chosen may hang on what was seen before, so active sampling does
not
bias it.
"""

from dataclasses import dataclass

import numpy as np

from action_model.features import Floats
from action_model.ridge import Ridge, fit_ridge

STEPS = 10
PENALTY = 10.0
PRIOR_ROWS = 20.0
"""How many rows the prior covariance (independent, with the pooled variance and a common factor) counts for."""
COMMON_SHARE = 0.3
ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Completed:
    """`score` (N, M): as observed, else expected; `variance` (N, M): of what was not observed, given the rest of its
    row."""

    score: Floats
    variance: Floats


def complete(x: Floats, score: Floats, steps: int = STEPS) -> Completed:
    """Fills NaN cells of `score` (N, M) from features `x` (N, F). An action that was never observed gets the row's
    level."""
    seen = ~np.isnan(score)
    if seen.all():
        return Completed(score.copy(), np.zeros_like(score))
    filled = _start(score, seen)
    mean = fit_ridge(x, filled, PENALTY).predict(x)
    prior = covariance = _prior(score, seen)
    for _ in range(steps):
        filled, spread, unseen = _expect(score, seen, mean, covariance)
        regression = _shrunk(x, filled)
        mean = regression.predict(x)
        residual = filled - mean
        scatter = residual.T @ residual + unseen
        covariance = (scatter + PRIOR_ROWS * prior) / (len(score) + PRIOR_ROWS)
    return Completed(np.clip(filled, 0.0, 1.0), spread)


def _start(score: Floats, seen: Floats) -> Floats:
    """Each cell by its action's mean, pooled where there is little."""
    total = float(score[seen].mean()) if seen.any() else 0.5
    count = seen.sum(axis=0)
    means = (np.where(seen, score, 0.0).sum(axis=0) + 2.0 * total) / (count + 2.0)
    found: Floats = np.where(seen, score, means[None, :])
    return found


def _prior(score: Floats, seen: Floats) -> Floats:
    variance = float(np.var(score[seen])) if seen.any() else 0.25
    variance = max(variance, 0.01)
    width = score.shape[1]
    return variance * ((1.0 - COMMON_SHARE) * np.eye(width) + COMMON_SHARE * np.ones((width, width)))


def _shrunk(x: Floats, filled: Floats) -> Ridge:
    return fit_ridge(x, filled, PENALTY)


def _expect(score: Floats, seen: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, Floats, Floats]:
    """Filled rows, the variance of each unseen cell, and the summed covariance of what is unseen."""
    filled, spread = np.empty_like(score), np.zeros_like(score)
    unseen = np.zeros_like(covariance)
    width = score.shape[1]
    eye = np.eye(width)
    for start in range(0, len(score), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        d = seen[rows].astype(float)  # (R, M)
        inner = d[:, :, None] * covariance[None] * d[:, None, :] + eye[None] * (1.0 - d)[:, :, None]  # (R, M, M)
        cross = d[:, :, None] * covariance[None]  # (R, M, M): observed rows of the covariance
        gain = np.swapaxes(np.linalg.solve(inner, cross), 1, 2)  # (R, M, M)
        residual = np.where(seen[rows], score[rows] - mean[rows], 0.0)
        expected = mean[rows] + np.einsum("rij,rj->ri", gain, residual)
        left = covariance[None] - gain @ cross
        keep = (1.0 - d)[:, :, None] * left * (1.0 - d)[:, None, :]
        unseen += keep.sum(axis=0)
        spread[rows] = np.maximum(np.diagonal(keep, axis1=1, axis2=2), 0.0)
        filled[rows] = np.where(seen[rows], score[rows], expected)
    return filled, spread, unseen
