"""Which actions are worth offering: the smallest set that loses little of the full set's value at every operating
point.

Sets are valued as sets. *Ensemble*: actions are tried one after another until one passes, in a greedy order learnt at
each operating point, so that two weak actions that succeed on different tasks can be worth more than one strong one.
*Route*: one action a task, chosen by predictions, where nothing checks the answers. Both are learnt on some tasks and
valued on others.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from action_model.features import Floats, featurize
from action_model.mixture import MixtureConfig, fit_mixture
from action_model.offline.ensembles import ensemble_value, followed, greedy_order
from action_model.offline.sampling import operating_points
from action_model.outcomes import Grid
from action_model.projection import fit_projection
from action_model.ridge import fit_ridge

View = Literal["ensemble", "route"]
FOLDS = 4
WIDTH = 64
POINTS = 12
MOST_TASKS = 3000
"""More are not needed to choose members, and make it slow."""
SPLITS = 4
"""How often the train tasks are halved; each half learns once and is looked at once."""
RESAMPLES = 100
SURE = 0.95
"""In this share of samples of as many tasks as are held out, the loss is to be within what was asked."""

Value = Callable[[Sequence[int]], Floats]
"""The value of a set of actions (indices) at every operating point (P,)."""
Worths = Callable[[Sequence[int]], Floats]
"""The same on every task (P, N)."""


@dataclass(frozen=True)
class Member:
    """One action of the chosen set. `adds` (P,): what the set would lose without it at every operating point on the
    train tasks, `loses` at worst and `loses_mean` on average; `alone_on`: the share of tasks that only it solves within
    the set; `success`, `usd` of it alone."""

    name: str
    success: float
    usd: float
    loses: float
    loses_mean: float
    alone_on: float
    adds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """`worst_loss` and `mean_loss` against the full set, on the tasks it was chosen by and on held-out ones
    (`held_losses` at every point); `bound` is what the loss on as many held-out tasks was to stay below in `SURE` of
    samples of the train tasks; `hindsight_loss` the held-out worst loss if both sets were tried in the best order for
    those very tasks; `top_k_loss` is the held-out worst loss of as many actions taken by their own success."""

    view: View
    members: tuple[Member, ...]
    dropped: tuple[str, ...]
    points: tuple[float, ...]
    full: tuple[float, ...]
    kept: tuple[float, ...]
    worst_loss: float
    mean_loss: float
    bound: float
    held_losses: tuple[float, ...]
    held_worst_loss: float
    held_mean_loss: float
    hindsight_loss: float
    top_k: tuple[str, ...]
    top_k_loss: float


def choose_members(train: Grid, held: Grid, loss: float, view: View = "ensemble") -> Chosen:
    """The smallest set found whose value is within `loss` of the full set's at every point.

    How many members that takes is found across halves of the train tasks: the least number whose loss on the other half
    is within `loss` in `SURE` of samples of as many tasks as are held out. (A set that covers the very tasks it was
    chosen by looks better than it is, and the worst of many points of a small sample looks worse.)
    """
    points = operating_points(train.usd, POINTS)
    some = train.take(np.sort(np.random.default_rng(0).permutation(len(train.prompts))[:MOST_TASKS]))
    value = value_of(some, points, view)
    everything = list(range(len(train.models)))
    full = value(everything)
    bounds = loss_bounds(some, points, view, len(held.prompts))
    size = next(k + 1 for k in everything if bounds[k] <= loss)
    chosen = _order(value, everything, full)[:size]
    if least_shown(len(some.prompts)) <= loss:
        chosen = _without_idle(chosen, value)
    best = np.argsort(-train.score.mean(axis=0), kind="stable")[: len(chosen)].tolist()
    order = sorted(chosen, key=lambda a: float(train.usd[:, a].mean()))
    seen = worths_of(some, held, points, view)
    losses, top_losses = ((seen(everything) - seen(members)).mean(axis=1) for members in (order, best))
    hindsight = value_of(held, points, view, some)
    return Chosen(
        view=view,
        members=tuple(_member(train, value, order, a) for a in order),
        dropped=tuple(train.models[a] for a in everything if a not in chosen),
        points=tuple(points.tolist()),
        full=tuple(full.tolist()),
        kept=tuple(value(order).tolist()),
        worst_loss=float((full - value(order)).max()),
        mean_loss=float((full - value(order)).mean()),
        bound=float(bounds[size - 1]),
        held_losses=tuple(losses.tolist()),
        held_worst_loss=float(losses.max()),
        held_mean_loss=float(losses.mean()),
        hindsight_loss=float((hindsight(everything) - hindsight(order)).max()),
        top_k=tuple(train.models[a] for a in best),
        top_k_loss=float(top_losses.max()),
    )


def loss_bounds(grid: Grid, points: Floats, view: View, count: int) -> Floats:
    """(M,): for the first 1, 2, … members of an order, the `SURE` quantile of the worst loss on `count` other tasks.

    These tasks are themselves a sample: a mean of n others varies about theirs as 1/n + 1/N, which is that of samples
    of n N / (n + N) of them. No set but the full one gets a bound below `least_shown`.
    """
    least = least_shown(len(grid.prompts))
    count = max(1, round(count * len(grid.prompts) / (count + len(grid.prompts))))
    found: list[list[Floats]] = [[] for _ in grid.models]
    everything = list(range(len(grid.models)))
    for seed, fit, look in _halves(grid):
        value = value_of(fit, points, view)
        order, worths = _order(value, everything, value(everything)), worths_of(fit, look, points, view)
        full, samples = worths(everything), _samples(len(look.prompts), count, seed)
        for k in everything:
            lost = samples @ (full - worths(order[: k + 1])).T  # (B, P)
            found[k].append(lost.max(axis=1))
    quantiles: Floats = np.array([np.quantile(np.concatenate(worst), SURE) for worst in found])
    quantiles[:-1] = np.maximum(quantiles[:-1], least)
    return np.maximum.accumulate(quantiles[::-1])[::-1]


def least_shown(tasks: int) -> float:
    """The loss that so many tasks without any loss cannot rule out: 3 / n (Hanley & Lippman-Hand 1983, 95 %)."""
    return 3.0 / max(tasks, 1)


def _halves(grid: Grid) -> Iterator[tuple[int, Grid, Grid]]:
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(grid.prompts))
        first, second = (grid.take(np.sort(part)) for part in np.array_split(order, 2))
        yield from ((seed, first, second), (seed, second, first))


def _samples(tasks: int, count: int, seed: int) -> Floats:
    """(B, N): weights of bootstrap samples of `count` tasks (Efron 1979)."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(tasks, 1.0 / tasks), RESAMPLES)
    found: Floats = drawn / count
    return found


def value_of(grid: Grid, points: Floats, view: View, learnt_from: Grid | None = None) -> Value:
    """How sets of the grid's actions are valued on the tasks they are learnt by; a router always learns from other
    folds, or from `learnt_from`."""
    if view == "ensemble":
        return lambda members: ensemble_value(grid.score[:, list(members)], grid.usd[:, list(members)], points)
    worths = _routed(grid, points, learnt_from)
    return lambda members: worths(members).mean(axis=1)


def worths_of(fit: Grid, look: Grid, points: Floats, view: View) -> Worths:
    """How they are valued on other tasks: orders and predictions are learnt from `fit`."""
    if view == "route":
        return _routed(look, points, fit)

    def tried(members: Sequence[int]) -> Floats:
        columns = list(members)
        order = greedy_order(fit.score[:, columns], fit.usd[:, columns], points)
        return followed(look.score[:, columns], look.usd[:, columns], points, order)

    return tried


def _routed(grid: Grid, points: Floats, learnt_from: Grid | None) -> Worths:
    success, usd = _predictions(grid, learnt_from)
    rows = np.arange(len(grid.prompts))

    def route(members: Sequence[int]) -> Floats:
        columns = np.array(members)
        gains = success[None][:, :, columns] - points[:, None, None] * usd[None][:, :, columns]  # (P, N, m)
        chosen = columns[gains.argmax(axis=2)]  # (P, N)
        found: Floats = grid.score[rows, chosen] - points[:, None] * grid.usd[rows, chosen]
        return found

    return route


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


def _member(grid: Grid, value: Value, members: Sequence[int], a: int) -> Member:
    others = [b for b in members if b != a]
    lost = value(members) - (value(others) if others else np.zeros(len(value(members))))
    alone = grid.score[:, a] * np.prod(1.0 - grid.score[:, others], axis=1)
    success, usd = float(grid.score[:, a].mean()), float(grid.usd[:, a].mean())
    worst, mean = float(lost.max()), float(lost.mean())
    return Member(grid.models[a], success, usd, worst, mean, float(alone.mean()), tuple(lost.tolist()))


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
