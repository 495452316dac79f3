"""Which outcomes to buy next: anchors first, then those that could still change a decision, per dollar.

A decision is "which action in this region of tasks, at this operating point". What one more batch of outcomes of an
action in
a region is worth is the knowledge gradient (Frazier, Powell & Dayanik 2008): the expected gain of the best choice
after seeing
it, over the best choice now, summed over operating points. Actions that are the best nowhere, surely enough, are
dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from action_model.clusters import fit_clusters
from action_model.features import Floats

POINTS = 24
"""Operating points: values of a dollar, in success, from "cost is nothing" to "cost is all"."""
LOOK_AHEAD = 16
"""Outcomes of one batch: a single one would hardly ever change a decision."""
REGION_SPREAD = 0.1
"""Standard deviation of what a region adds to an action's mean difference (a prior; learnt means shrink by it)."""
OUTCOME_VARIANCE = 0.12
"""Of one outcome's difference to its task's level."""
RIVAL_CHANCE = 0.02
"""An action stays in the race while its chance of being the best choice at some operating point is at least this."""


@dataclass(frozen=True, slots=True)
class SamplingConfig:
    """`anchors`: tasks that every action answers first, at least; `regions`: groups of tasks that look alike."""

    anchors: int = 32
    anchor_share: float = 0.08
    regions: int = 12
    seed: int = 0


@dataclass(frozen=True)
class Knowledge:
    """What is known of every action in every region: `mean` and `sd` of its success (R, M); `usd` (R, M) per outcome;
    `count` (R, M) outcomes seen."""

    mean: Floats
    sd: Floats
    usd: Floats
    count: Floats


@dataclass(frozen=True)
class Worth:
    """`value` (R, M): what a batch of outcomes is worth, per dollar; `alive` (M,): still in the race."""

    value: Floats
    alive: NDArray[np.bool_]


def anchor_tasks(x: Floats, config: SamplingConfig) -> NDArray[np.intp]:
    """Tasks that cover the space: the nearest to each of k-means' centres, the largest group first."""
    count = min(len(x), max(config.anchors, round(config.anchor_share * len(x))))
    if count >= len(x):
        return np.arange(len(x))
    clusters = fit_clusters(x, count, 0.02, config.seed)
    chosen: list[int] = []
    free = np.ones(len(x), dtype=bool)
    for centre in clusters.centers:
        distance = ((x - centre) ** 2).sum(axis=1)
        chosen.append(int(np.where(free, distance, np.inf).argmin()))
        free[chosen[-1]] = False
    return np.array(chosen, dtype=np.intp)


def regions_of(x: Floats, config: SamplingConfig) -> NDArray[np.intp]:
    """The region of each task."""
    count = max(1, min(config.regions, len(x) // 12))
    if count == 1:
        return np.zeros(len(x), dtype=np.intp)
    found: NDArray[np.intp] = fit_clusters(x, count, 0.02, config.seed + 1).membership(x).argmax(axis=1)
    return found


def knowledge(score: Floats, usd: Floats, region: NDArray[np.intp]) -> Knowledge:
    """From outcomes (N, M), NaN where unseen, and expected dollars (N, M) of every cell.

    Outcomes are taken as differences to their task's level (the mean of the actions seen on it, by their own means), so
    that actions seen on easy tasks do not look better for it.
    """
    seen = ~np.isnan(score)
    base = _means(score, seen)
    level = _level(score, seen, base)
    residual = np.where(seen, score - base[None, :] - level[:, None], 0.0)
    count_regions = int(region.max()) + 1
    onehot = np.eye(count_regions)[region]  # (N, R)
    count = onehot.T @ seen  # (R, M)
    total = onehot.T @ residual
    weight = count / (count + OUTCOME_VARIANCE / REGION_SPREAD**2)
    offset = np.divide(total, count, out=np.zeros_like(total), where=count > 0) * weight
    region_level = (onehot.T @ level) / np.maximum(onehot.sum(axis=0), 1.0)
    overall = OUTCOME_VARIANCE / np.maximum(seen.sum(axis=0), 0.5)
    sd = np.sqrt(REGION_SPREAD**2 * (1.0 - weight) + overall[None, :])
    usd_mean = (onehot.T @ usd) / np.maximum(onehot.sum(axis=0), 1.0)[:, None]
    return Knowledge(base[None, :] + region_level[:, None] + offset, sd, usd_mean, count)


def operating_points(usd: Floats, count: int = POINTS) -> Floats:
    """Values of a dollar (count,): 0, then evenly in logarithm around where a typical difference in cost is worth
    0.01 to
    1 of success."""
    spread = float(np.median(usd.max(axis=1) - usd.min(axis=1)))
    if spread <= 0.0:
        return np.zeros(1)
    return np.concatenate([[0.0], np.logspace(-2.5, 0.5, count - 1) / spread])


def worth(known: Knowledge, points: Floats) -> Worth:
    """What one more batch of each action in each region is worth per dollar, and who is still in the race."""
    before = known.sd**2
    noise = OUTCOME_VARIANCE / LOOK_AHEAD
    change = before / np.sqrt(before + noise)  # (R, M): how far the mean will move, in standard deviations
    value = np.zeros_like(known.mean)
    chance = np.zeros_like(known.mean)
    for point in points:
        utility = known.mean - point * known.usd
        gap = _gaps(utility)
        value += _knowledge_gradient(gap, change)
        chance = np.maximum(chance, _beats(utility, known.sd))
    dollars = LOOK_AHEAD * np.maximum(known.usd, _least(known.usd))
    return Worth(value / len(points) / dollars, chance.max(axis=0) >= RIVAL_CHANCE)


def next_outcomes(
    seen: NDArray[np.bool_], region: NDArray[np.intp], found: Worth, usd: Floats, budget: float, order: Floats
) -> list[tuple[int, int]]:
    """(task, action) pairs to buy for about `budget` dollars, most worth first.

    A batch takes at most `LOOK_AHEAD` tasks of one region and action; where more is bought of one, its worth falls
    as 1/n.
    `order` (N,) breaks ties between the tasks of a region.
    """
    offers: list[tuple[float, int, int]] = []
    for r in range(found.value.shape[0]):
        members = np.flatnonzero(region == r)
        members = members[np.argsort(order[members], kind="stable")]
        for a in np.flatnonzero(found.alive).tolist():
            free = members[~seen[members, a]]
            batches = np.arange(len(free)) // LOOK_AHEAD
            offers += [(found.value[r, a] / (1.0 + b), int(i), int(a)) for i, b in zip(free, batches, strict=True)]
    offers.sort(key=lambda offer: (-offer[0], offer[1], offer[2]))
    chosen: list[tuple[int, int]] = []
    left = budget
    for _, task, action in offers:
        if left <= 0.0:
            break
        chosen.append((task, action))
        left -= float(usd[task, action])
    return chosen


def _means(score: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Each action's mean on an average task: alternating least squares of task and action effects."""
    count = seen.sum(axis=0)
    pooled = float(score[seen].mean()) if seen.any() else 0.5
    base = np.where(count > 0, np.where(seen, score, 0.0).sum(axis=0) / np.maximum(count, 1), pooled)
    for _ in range(8):
        level = _level(score, seen, base)
        fitted = np.where(seen, score - level[:, None], 0.0).sum(axis=0) / np.maximum(count, 1)
        base = np.where(count > 0, fitted, base)
    return base


def _level(score: Floats, seen: NDArray[np.bool_], base: Floats) -> Floats:
    """How much easier each task is than an average one, shrunk; mean 0 over all tasks."""
    residual = np.where(seen, score - base[None, :], 0.0)
    level = residual.sum(axis=1) / (seen.sum(axis=1) + 2.0)
    found: Floats = level - level.mean()
    return found


def _gaps(utility: Floats) -> Floats:
    """(R, M): how far each action is from the best other one; what must be made up to change the choice."""
    if utility.shape[1] == 1:
        return np.full_like(utility, np.inf)
    ordered = np.sort(utility, axis=1)
    best, second = ordered[:, -1:], ordered[:, -2:-1]
    rival = np.where(utility >= best, second, best)
    found: Floats = np.abs(utility - rival)
    return found


def _knowledge_gradient(gap: Floats, change: Floats) -> Floats:
    """E max(0, change × Z − gap): what a changed mind gains."""
    z = np.where(np.isfinite(gap), gap / np.maximum(change, 1e-9), 40.0)
    found: Floats = change * (_density(z) - z * _tail(z))
    return np.maximum(found, 0.0)


def _beats(utility: Floats, sd: Floats) -> Floats:
    """(R, M): chance that an action is better than the one that looks best (1/2 for that one itself)."""
    best = utility.argmax(axis=1)
    rows = np.arange(len(utility))
    ahead = utility[rows, best][:, None] - utility
    spread = np.sqrt(sd**2 + sd[rows, best][:, None] ** 2)
    return _tail(ahead / np.maximum(spread, 1e-9))


def _density(z: Floats) -> Floats:
    found: Floats = np.exp(-0.5 * np.minimum(z, 38.0) ** 2) / np.sqrt(2.0 * np.pi)
    return found


def _tail(z: Floats) -> Floats:
    cdf = NormalDist().cdf
    found: Floats = np.vectorize(cdf, otypes=[float])(-np.asarray(z, dtype=float))
    return found


def _least(usd: Floats) -> float:
    """Free actions cost something too: a hundredth of a typical outcome, or anything at all."""
    positive = usd[usd > 0]
    return float(np.median(positive)) / 100.0 if len(positive) else 1.0


def dropped(names: Sequence[str], found: Worth) -> list[str]:
    """The actions that are out of the race."""
    return [name for name, alive in zip(names, found.alive, strict=True) if not alive]
