"""Which actions are worth offering: the smallest set that loses little of the full set's value at every operating
point.

Sets are valued as sets. *Ensemble*: actions are tried one after another until one passes, the order chosen greedily per
operating point, so that two weak actions that succeed on different tasks can be worth more than one strong one.
*Route*: one
action a task, chosen by predictions, where nothing checks the answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from action_model.features import Floats, featurize
from action_model.mixture import MixtureConfig, fit_mixture
from action_model.offline.sampling import operating_points
from action_model.outcomes import Grid
from action_model.projection import fit_projection
from action_model.ridge import fit_ridge

View = Literal["ensemble", "route"]
FOLDS = 4
WIDTH = 64
POINTS = 12
MOST_TASKS = 1500
"""More are not needed to choose members, and make it slow."""

Value = Callable[[Sequence[int]], Floats]
"""The value of a set of actions (indices) at every operating point."""


@dataclass(frozen=True)
class Member:
    """One action of the chosen set. `loses`: what the set would lose without it, at worst and on average over operating
    points; `alone_on`: the share of tasks that only it solves within the set; `success`, `usd` of it alone."""

    name: str
    success: float
    usd: float
    loses: float
    loses_mean: float
    alone_on: float


@dataclass(frozen=True)
class Chosen:
    """`worst_loss` and `mean_loss` against the full set, on the tasks it was chosen by and on held-out ones;
    `top_k_loss` is
    the held-out worst loss of as many actions taken by their own success."""

    view: View
    members: tuple[Member, ...]
    dropped: tuple[str, ...]
    points: tuple[float, ...]
    full: tuple[float, ...]
    kept: tuple[float, ...]
    worst_loss: float
    mean_loss: float
    held_worst_loss: float
    held_mean_loss: float
    top_k: tuple[str, ...]
    top_k_loss: float


def choose_members(train: Grid, held: Grid, loss: float, view: View = "ensemble") -> Chosen:
    """The smallest set found whose value is within `loss` of the full set's at every point.

    How many members that takes is found by choosing on one half of the train tasks and looking at the other, both
    ways: a
    set that covers the very tasks it was chosen by would look better than it is.
    """
    points = operating_points(train.usd, POINTS)
    some = train.take(np.sort(np.random.default_rng(0).permutation(len(train.prompts))[:MOST_TASKS]))
    value = value_of(some, points, view)
    everything = list(range(len(train.models)))
    full = value(everything)
    chosen = _without_idle(_order(value, everything, full)[: _size(some, points, view, loss)], value)
    held_value = value_of(held, points, view, train)
    held_full = held_value(everything)
    best = np.argsort(-train.score.mean(axis=0), kind="stable")[: len(chosen)]
    order = sorted(chosen, key=lambda a: float(train.usd[:, a].mean()))
    return Chosen(
        view=view,
        members=tuple(_member(train, value, order, a) for a in order),
        dropped=tuple(train.models[a] for a in everything if a not in chosen),
        points=tuple(points.tolist()),
        full=tuple(full.tolist()),
        kept=tuple(value(order).tolist()),
        worst_loss=float((full - value(order)).max()),
        mean_loss=float((full - value(order)).mean()),
        held_worst_loss=float((held_full - held_value(order)).max()),
        held_mean_loss=float((held_full - held_value(order)).mean()),
        top_k=tuple(train.models[a] for a in best.tolist()),
        top_k_loss=float((held_full - held_value(best.tolist())).max()),
    )


def value_of(grid: Grid, points: Floats, view: View, learnt_from: Grid | None = None) -> Value:
    """How sets of the grid's actions are valued. A router learns from `learnt_from`, or from the other folds."""
    if view == "ensemble":
        return lambda members: ensemble_value(grid.score[:, list(members)], grid.usd[:, list(members)], points)
    success, usd = _predictions(grid, learnt_from)

    def route(members: Sequence[int]) -> Floats:
        columns = list(members)
        rows = np.arange(len(grid.prompts))
        found = np.empty(len(points))
        for k, point in enumerate(points):
            chosen = np.array(columns)[np.argmax(success[:, columns] - point * usd[:, columns], axis=1)]
            found[k] = (grid.score[rows, chosen] - point * grid.usd[rows, chosen]).mean()
        return found

    return route


def ensemble_value(score: Floats, usd: Floats, points: Floats) -> Floats:
    """(points,): tries in a greedy order until one passes; success less the value of all the money spent.

    `score` (N, M) may hold chances. Stops where no further action is worth its money.
    """
    found = np.zeros(len(points))
    for k, point in enumerate(points):
        unsolved, free = np.ones(len(score)), list(range(score.shape[1]))
        while free:
            gains = unsolved @ (score[:, free] - point * usd[:, free]) / len(score)
            best = int(gains.argmax())
            if gains[best] <= 0.0:
                break
            found[k] += gains[best]
            unsolved = unsolved * (1.0 - score[:, free.pop(best)])
    return found


def _order(value: Value, actions: Sequence[int], full: Floats) -> list[int]:
    """All actions, each time the one that leaves the least shortfall: at worst and on average together."""
    chosen: list[int] = []
    free = set(actions)
    while free:
        short = {a: np.maximum(full - value([*chosen, a]), 0.0) for a in sorted(free)}
        best = min(sorted(free), key=lambda a: round(float(short[a].max() + short[a].mean()), 9))
        chosen.append(best)
        free.remove(best)
    return chosen


def _without_idle(chosen: list[int], value: Value) -> list[int]:
    """Takes out what later additions made needless: whatever can go without any loss."""
    kept, whole = list(chosen), value(chosen)
    for a in chosen:
        rest = [b for b in kept if b != a]
        if rest and float((whole - value(rest)).max()) <= 1e-9:
            kept = rest
    return kept


def _size(grid: Grid, points: Floats, view: View, loss: float) -> int:
    """How many members a half needs so that the other half loses little; the mean of both ways, rounded up."""
    order = np.random.default_rng(1).permutation(len(grid.prompts))
    halves = [grid.take(np.sort(part)) for part in np.array_split(order, 2)]
    sizes = []
    for fit, look in (halves, halves[::-1]):
        value = value_of(fit, points, view)
        everything = list(range(len(grid.models)))
        chosen = _order(value, everything, value(everything))
        seen = value_of(look, points, view, fit)
        full = seen(everything)
        losses = [float((full - seen(chosen[: k + 1])).max()) for k in everything]
        sizes.append(next(k + 1 for k in everything if losses[k] <= loss))
    return -(-sum(sizes) // 2)


def _member(grid: Grid, value: Value, members: Sequence[int], a: int) -> Member:
    others = [b for b in members if b != a]
    lost = value(members) - (value(others) if others else np.zeros(len(value(members))))
    alone = grid.score[:, a] * np.prod(1.0 - grid.score[:, others], axis=1)
    success, usd = float(grid.score[:, a].mean()), float(grid.usd[:, a].mean())
    return Member(grid.models[a], success, usd, float(lost.max()), float(lost.mean()), float(alone.mean()))


def _predictions(grid: Grid, learnt_from: Grid | None) -> tuple[Floats, Floats]:
    """Success and dollars predicted for each task by a router that has not seen it."""
    source = learnt_from or grid
    features = featurize(source.prompts)
    projection = fit_projection(features, WIDTH)
    x, z = projection(features), projection(featurize(grid.prompts))
    fold = np.full(len(z), -1) if learnt_from is not None else np.arange(len(z)) % FOLDS
    success, usd = np.empty_like(grid.score), np.empty_like(grid.usd)
    config = MixtureConfig(cluster_counts=(24,), cluster_seeds=1)
    for k in sorted(set(fold.tolist())):
        held = np.flatnonzero(fold == k)
        fit = np.arange(len(x)) if k < 0 else np.flatnonzero(fold != k)
        success[held] = fit_mixture(x[fit], source.score[fit], None, config).predict(z[held])
        logs = np.log(np.maximum(source.usd[fit], 1e-12))
        usd[held] = np.exp(fit_ridge(x[fit], logs, 9.0).predict(z[held]) + np.minimum(logs.var(axis=0), 2.0) / 2)
    return success, usd
