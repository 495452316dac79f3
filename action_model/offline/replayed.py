"""Sampling replayed on a whole table: what a router learns from a part of the outcomes, and what it loses by it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.mixture import MixtureConfig, fit_mixture
from action_model.offline.completion import complete
from action_model.offline.sampling import (
    SamplingConfig,
    anchor_tasks,
    knowledge,
    next_outcomes,
    operating_points,
    regions_of,
    worth,
)
from action_model.ridge import fit_ridge

Mask = NDArray[np.bool_]
ROUNDS = 12
MIXTURE = MixtureConfig(cluster_counts=(24,), cluster_seeds=1)
COST_PENALTY = 9.0


@dataclass(frozen=True)
class Replay:
    """A table as upstreams would answer it: features, scores and dollars of train (N, ·) and of held-out tasks."""

    x: Floats
    score: Floats
    usd: Floats
    held_x: Floats
    held_score: Floats
    held_usd: Floats


@dataclass(frozen=True)
class Router:
    """Predicted success and dollars on the held-out tasks (N, M); `offered` (M,): actions it knows enough of to
    offer."""

    success: Floats
    usd: Floats
    offered: Mask = field(repr=False)


def uniform(replay: Replay, share: float, seed: int) -> Mask:
    """Pairs at random until this share of the whole grid's cost is spent."""
    random = np.random.default_rng(seed)
    return _bought(replay, random.permutation(replay.score.size), share)


def whole_rows(replay: Replay, share: float, seed: int) -> Mask:
    """Tasks at random, each asked of every action, until this share of the cost is spent."""
    random = np.random.default_rng(seed)
    width = replay.score.shape[1]
    rows = random.permutation(len(replay.score))
    return _bought(replay, (rows[:, None] * width + np.arange(width)[None, :]).ravel(), share)


def active(replay: Replay, share: float, seed: int, config: SamplingConfig | None = None) -> Mask:
    """Anchors, then rounds of the pairs that are worth most, until this share of the cost is spent."""
    config = config or SamplingConfig(seed=seed)
    budget = share * float(replay.usd.sum())
    seen = np.zeros(replay.score.shape, dtype=bool)
    anchors = anchor_tasks(replay.x, config)
    affordable = np.cumsum(replay.usd[anchors].sum(axis=1)) <= 0.6 * budget
    seen[anchors[: max(1, int(affordable.sum()))]] = True
    region = regions_of(replay.x, config)
    order = np.random.default_rng(seed).random(len(replay.x))
    first = budget - float(replay.usd[seen].sum())
    for _ in range(4 * ROUNDS):
        left = budget - float(replay.usd[seen].sum())
        if left <= 0.0:
            break
        told = np.where(seen, replay.score, np.nan)
        expected = expected_usd(replay.usd, seen)
        found = worth(knowledge(told, expected, region), operating_points(expected))
        pairs = next_outcomes(seen, region, found, expected, min(left, first / ROUNDS), order)
        if not pairs:
            break
        for i, a in pairs:
            seen[i, a] = True
    return seen


def expected_usd(usd: Floats, seen: Mask) -> Floats:
    """What each cell is expected to cost: its action's mean so far, times how long its task is for the actions seen
    on it."""
    means = np.where(seen, usd, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    means = np.where(seen.any(axis=0), means, means[seen.any(axis=0)].max())
    found: Floats = np.broadcast_to(means[None, :], usd.shape).copy()
    return found


def learn(replay: Replay, seen: Mask) -> Router:
    """A router from what was seen of the table, and from nothing else."""
    offered = seen.sum(axis=0) >= 8
    told = np.where(seen, replay.score, np.nan)
    score = complete(replay.x, told).score
    success = fit_mixture(replay.x, score, None, MIXTURE).predict(replay.held_x)
    return Router(success, _predict_usd(replay, seen), offered)


def utilities(replay: Replay, router: Router, points: Floats) -> Floats:
    """(points,): mean success less the value of the dollars, of the router's choice at each operating point."""
    rows = np.arange(len(replay.held_score))
    blocked = np.where(router.offered, 0.0, -np.inf)
    found = np.empty(len(points))
    for k, point in enumerate(points):
        chosen = np.argmax(router.success - point * router.usd + blocked[None, :], axis=1)
        found[k] = (replay.held_score[rows, chosen] - point * replay.held_usd[rows, chosen]).mean()
    return found


def regrets(
    replay: Replay,
    strategy: Callable[[Replay, float, int], Mask],
    share: float,
    seed: int,
    best: Floats,
    points: Floats,
) -> float:
    """Mean loss of success, over operating points, against a router that was given the whole grid (`best`)."""
    router = learn(replay, strategy(replay, share, seed))
    return float((best - utilities(replay, router, points)).mean())


def _bought(replay: Replay, cells: NDArray[np.intp], share: float) -> Mask:
    spent = np.cumsum(replay.usd.ravel()[cells])
    seen = np.zeros(replay.score.size, dtype=bool)
    seen[cells[spent <= share * float(replay.usd.sum())]] = True
    return seen.reshape(replay.score.shape)


def _predict_usd(replay: Replay, seen: Mask) -> Floats:
    """As `action_model.evaluate.predict_usd`, from the seen cells of each action."""
    found = np.empty_like(replay.held_usd)
    for a in range(seen.shape[1]):
        rows = np.flatnonzero(seen[:, a])
        if not len(rows):
            found[:, a] = np.inf
            continue
        logs = np.log(np.maximum(replay.usd[rows, a : a + 1], 1e-9))
        ridge = fit_ridge(replay.x[rows], logs, COST_PENALTY)
        spread = min(float((logs - ridge.predict(replay.x[rows])).var()), 2.0)
        found[:, a] = np.exp(ridge.predict(replay.held_x)[:, 0] + spread / 2.0)
    return np.where(np.isinf(found), 1e9, found)
