"""Repeats of one action on one task: how much they differ, and what several tries are worth.

Given the particle of z, the chance of success on a task is Beta-distributed around its prediction (Beta-binomial:
Skellam 1948); its `concentration` says how much repeats differ: near 0 the same answer again, infinity independent
tries.
"""

import math

import numpy as np

from action_model.features import Floats

CONCENTRATIONS = tuple(float(value) for value in np.logspace(-1.5, 2.0, 71))


def log_beta_binomial(passes: Floats, tries: Floats, p: Floats, concentration: float) -> Floats:
    """Log-likelihood (N,) of the order-free counts, up to the binomial coefficient, which does not hang on p."""
    a = np.clip(p, 1e-4, 1 - 1e-4) * concentration
    b = concentration - a
    return _rising(a, passes) + _rising(b, tries - passes) - _rising(np.full_like(a, concentration), tries)


def fit_concentration(p: Floats, passes: Floats, tries: Floats) -> float:
    """The likeliest concentration for predicted chances (N,) or, under equal particles, (N, S)."""
    chances = p if p.ndim == 2 else p[:, None]

    def likelihood(concentration: float) -> float:
        logs = np.stack([log_beta_binomial(passes, tries, column, concentration) for column in chances.T], axis=1)
        top = logs.max(axis=1, keepdims=True)
        return float((top[:, 0] + np.log(np.exp(logs - top).mean(axis=1))).sum())

    return max(CONCENTRATIONS, key=likelihood)


def predicted_pass_at(k: int, p: Floats, concentration: float) -> Floats:
    """(N,): P(at least one of k tries passes) = 1 - Π_j (1 - p κ / (κ + j)), as `Belief.success_of_set` has it."""
    miss = np.ones_like(p)
    for j in range(k):
        miss = miss * (1.0 - p * concentration / (concentration + j))
    found: Floats = 1.0 - miss
    return found


def measured_pass_at(k: int, passes: Floats, tries: Floats) -> Floats:
    """(N,): the unbiased estimate 1 - C(n - c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374); NaN where n < k."""
    found = [
        1.0 - math.comb(int(n - c), k) / math.comb(int(n), k) if n >= k else math.nan
        for c, n in zip(passes, tries, strict=True)
    ]
    return np.array(found)


def _rising(start: Floats, counts: Floats) -> Floats:
    """Log of start (start + 1) … (start + count - 1)."""
    total = np.zeros_like(start)
    for step in range(int(counts.max(initial=0))):
        total += np.where(counts > step, np.log(start + step), 0.0)
    return total
