"""Is a new checkpoint to be promoted? What its choices would have been worth on logged runs, against the old one's.

Doubly robust (Dudik, Langford & Li 2011, arXiv 1103.4601): a model of the reward for every choice, corrected by what
really came of those that were tried, over their propensity. The model of the reward is fitted on other runs than it
speaks of (cross-fitting: Chernozhukov et al. 2018), and on none that the new checkpoint learnt from. The interval is
over runs (bootstrap, Efron 1979) and over what that model does not know (draws from its Laplace posterior), so that a
choice that was never tried is worth what is known of it: little.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.offline.logged import Choice, LoggedRun
from action_model.offline.refit import MOST_WEIGHT, Columns, attenuation, refit

DRAWS = 1000
CONFIDENCE = 95.0
SURE = 0.8
"""Share of resamples in which predictions must be better."""
LEAST_LOSS = 0.02
"""In satisfied tasks a run: choices that may be worse by no more than this are worth the same."""
LEAST_FIRSTS = 20
"""Held-out first tries below which nothing is promoted."""


@dataclass(frozen=True)
class Value:
    """Satisfied tasks a run, net of money and time, if each run had begun with the choice of the old or of the new
    checkpoint; `low` and `high` bound the difference (95 %). `support`: the share of the new one's choices that were
    tried first; `changed`: the share that differ from the old one's."""

    runs: int
    old: float
    new: float
    difference: float
    low: float
    high: float
    support: float
    changed: float


@dataclass(frozen=True)
class Verdict:
    """Held-out: the value of choices, the Brier scores of first tries, and what follows."""

    value: Value
    firsts: int
    brier_old: float
    brier_new: float
    surely: float
    is_promoted: bool
    why: str


def judge(learnt: Learnt, held: Sequence[LoggedRun], columns: tuple[Columns, Columns], hard: Floats) -> Verdict:
    """Old against new on held-out runs. Deterministic."""
    value = value_of(learnt, held, columns, hard)
    errors = _errors(held, columns, hard)
    count = len(errors)
    surely = _share_better(errors)
    briers = errors.mean(axis=0) if count else np.full(2, np.nan)
    is_promoted, why = _decide(value, count, surely)
    return Verdict(value, count, float(briers[0]), float(briers[1]), surely, is_promoted, why)


def _decide(value: Value, firsts: int, surely: float) -> tuple[bool, str]:
    if firsts < LEAST_FIRSTS:
        return False, f"only {firsts} held-out first tries; at least {LEAST_FIRSTS} are needed"
    if value.low > 0.0:
        return True, "its choices are surely worth more"
    if value.low < -LEAST_LOSS:
        return False, "its choices may be worth less"
    if surely < SURE:
        return False, "its choices are worth the same, and its predictions are not surely better"
    return True, "its choices are worth the same, and its predictions are better"


def value_of(learnt: Learnt, held: Sequence[LoggedRun], columns: tuple[Columns, Columns], hard: Floats) -> Value:
    """The doubly robust value of both first choices, and the interval of their difference."""
    old, new = columns
    both = [(best_choice(run, old, hard[i]), best_choice(run, new, hard[i])) for i, run in enumerate(held)]
    kept = [i for i, (was, now) in enumerate(both) if was is not None and now is not None]
    runs, taken = [held[i] for i in kept], hard[kept]
    if not runs:
        return Value(0, *(float("nan"),) * 5, 0.0, 0.0)
    picks = [[pick for i in kept if (pick := both[i][side]) is not None] for side in (0, 1)]
    draws = np.zeros((2, DRAWS + 1, len(runs)))  # the first is at the mean
    folds = np.arange(len(runs)) % 2
    random = np.random.default_rng(0)
    for fold in (0, 1):
        fit, at = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        model = refit(learnt, [runs[i] for i in fit], old, taken[fit])
        for side in (0, 1):
            draws[side][:, at] = _rewards(model, runs, [picks[side][i] for i in at], at, taken, random)
    rewards = draws[:, 0]
    same = np.array([a.column == b.column for a, b in zip(*picks, strict=True)])
    gaps = np.where(same, 0.0, draws[1] - draws[0])
    rows = random.integers(0, len(runs), (DRAWS, len(runs)))
    means = np.take_along_axis(gaps[1:], rows, axis=1).mean(axis=1)
    low, high = np.percentile(means, [50 - CONFIDENCE / 2, 50 + CONFIDENCE / 2])
    tried = [run.first(pick.column) is not None for run, pick in zip(runs, picks[1], strict=True)]
    return Value(
        len(runs),
        float(rewards[0].mean()),
        float(rewards[1].mean()),
        float(gaps[0].mean()),
        float(low),
        float(high),
        float(np.mean(tried)),
        float(1.0 - same.mean()),
    )


def _choices(run: LoggedRun, columns: Columns) -> list[Choice]:
    return [choice for choice in run.choices if choice.column in columns]


def best_choice(run: LoggedRun, columns: Columns, hard: float) -> Choice | None:
    """The choice worth most for its money and time, as these columns see it; None where nothing was on offer."""
    demand, taken = run.demand[None, :], np.array([hard])
    return max(
        _choices(run, columns),
        key=lambda choice: float(columns[choice.column].chances(demand, taken)[0]) - run.cost(choice),
        default=None,
    )


def _rewards(
    model: Columns,
    runs: Sequence[LoggedRun],
    picks: Sequence[Choice],
    at: NDArray[np.intp],
    hard: Floats,
    random: np.random.Generator,
) -> Floats:
    """(DRAWS + 1, n): what each pick was worth, at the model's mean and at draws of what it does not know."""
    found = np.zeros((DRAWS + 1, len(at)))
    for name in sorted({pick.column for pick in picks}):
        places = [i for i, pick in enumerate(picks) if pick.column == name]
        column = model[name]
        drawn = random.multivariate_normal(column.known.mean, column.known.covariance, DRAWS)
        coefficients = np.concatenate([column.known.mean[None], drawn])  # (DRAWS + 1, k + 1)
        phi = np.array([np.concatenate([[1.0], runs[at[i]].demand]) for i in places])
        logits = coefficients @ phi.T - hard[at[places]][None, :]
        chance = sigmoid(attenuation(float(column.theta @ column.theta)) * logits)
        for i, p in zip(places, chance.T, strict=True):
            found[:, i] = _corrected(p, runs[at[i]], picks[i])
    return found


def _corrected(chance: Floats, run: LoggedRun, pick: Choice) -> Floats:
    """The modelled reward, plus what was really seen beyond it, over its propensity."""
    modelled = chance - run.cost(pick)
    first = run.first(pick.column)
    if first is None:
        return modelled
    seen = first.success - run.usd_value * first.usd - run.seconds_value * first.seconds
    corrected: Floats = modelled + min(1.0 / max(first.propensity, 1e-6), MOST_WEIGHT) * (seen - modelled)
    return corrected


def _errors(held: Sequence[LoggedRun], columns: tuple[Columns, Columns], hard: Floats) -> Floats:
    """(n, 2): squared errors of both on every first try."""
    found = [
        [(float(some[one.column].chances(run.demand[None, :], hard[[i]])[0]) - one.success) ** 2 for some in columns]
        for i, run in enumerate(held)
        for one in run.outcomes
        if one.wave == 0 and one.column in columns[0]
    ]
    return np.array(found).reshape(-1, 2)


def _share_better(errors: Floats) -> float:
    """The share of resamples in which the new one's mean error is lower."""
    if not len(errors):
        return 0.0
    gaps = errors[:, 1] - errors[:, 0]
    rows = np.random.default_rng(0).integers(0, len(gaps), (DRAWS, len(gaps)))
    return float((gaps[rows].mean(axis=1) < 0).mean())
