"""Repeats of one action on one task: how much they differ, and what several tries are worth.

Given the particle of z, the chance of success on a task is Beta-distributed around its prediction (Beta-binomial:
Skellam 1948); its `concentration` says how much repeats differ: near 0 the same answer again, infinity independent
tries. z itself makes repeats alike already, so the concentration is fitted with it, as `Belief.success_of_set` uses it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from action_model.features import Floats
from action_model.latent import logit, sigmoid

CONCENTRATIONS = tuple(float(value) for value in np.logspace(-1.5, 2.0, 71))
TRIES = (1, 2, 4, 8)
SPREAD = 2.8
"""Of a logit with z: the median |theta|² of the models of the public tables."""
SPREADS = (SPREAD, SPREAD / 4, 0.0)
NODES = 21
STEPS = 12


@dataclass(frozen=True, slots=True)
class Repeats:
    """How repeats of an action hang together: their `concentration`, and how much z varies its logit, a variance."""

    concentration: float
    spread: float = SPREAD


def fit_repeats(p: Floats, passes: Floats, tries: Floats, spreads: Sequence[float] = SPREADS) -> Repeats:
    """Those under which predicted pass@k is nearest to measured, for k = 1, 2, 4, 8 (least squares).

    The likeliest concentration (Skellam 1948) is too small where chances are of two kinds, as they are: it gave a mean
    absolute error of 0.022 on cruxeval where this gives less.
    """
    measured = {k: measured_pass_at(k, passes, tries) for k in TRIES}

    def gap(found: Repeats) -> float:
        total = 0.0
        for k, values in measured.items():
            seen = ~np.isnan(values)
            if seen.any():
                total += float(predicted_pass_at(k, p[seen], found).mean() - values[seen].mean()) ** 2
        return total

    return min((Repeats(c, spread) for spread in spreads for c in CONCENTRATIONS), key=gap)


def predicted_pass_at(k: int, p: Floats, repeats: Repeats) -> Floats:
    """(N,): P(at least one of k tries passes) = 1 - E_z Π_j (1 - p_z κ / (κ + j)), as `Belief.success_of_set` has it.

    `p` (N,) is the chance of one try; the mean over z is by Gauss-Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    chance = _around(p, np.sqrt(repeats.spread) * nodes, weights)  # (N, S)
    miss = np.ones_like(chance)
    for j in range(k):
        miss = miss * (1.0 - chance * repeats.concentration / (repeats.concentration + j))
    found: Floats = 1.0 - miss @ weights
    return found


def _around(p: Floats, shifts: Floats, weights: Floats) -> Floats:
    """(N, S): chances whose logits lie by `shifts` (S,) apart, with mean p under `weights` (Newton's method)."""
    centre = logit(p)
    for _ in range(STEPS):
        chance = sigmoid(centre[:, None] + shifts[None, :])
        slope = (chance * (1.0 - chance)) @ weights
        centre = centre + np.clip((p - chance @ weights) / np.maximum(slope, 1e-6), -2.0, 2.0)
    return sigmoid(centre[:, None] + shifts[None, :])


def measured_pass_at(k: int, passes: Floats, tries: Floats) -> Floats:
    """(N,): the unbiased estimate 1 - C(n - c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374); NaN where n < k."""
    found = [
        1.0 - math.comb(int(n - c), k) / math.comb(int(n), k) if n >= k else math.nan
        for c, n in zip(passes, tries, strict=True)
    ]
    return np.array(found)
