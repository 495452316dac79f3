"""Mean cost as a function of what a dollar is worth: every task played once at each of a few worths, then only sums.

A stated mean cost is found on the curve; halves of the tasks say how far off that is on tasks not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.belief import Belief
from router.planner import Tradeoff, frontier
from scripts.replay.beliefs import portfolio_of
from scripts.replay.planned import Rules, first_situation, play
from scripts.replay.tables import Floats, Table

WORTHS = 21
SPAN = (0.02, 300.0)
"""Worths of the best single model's mean cost, in satisfied tasks, from generous to stingy."""
HALVES = 200


@dataclass(frozen=True)
class Curve:
    """`worths` (V,) rising, of a dollar; `usd` and `right` (V, N): what each task cost and whether it was right."""

    worths: Floats
    usd: Floats
    right: Floats

    def worth_at(self, target_usd: float, rows: NDArray[np.intp] | None = None) -> float:
        """The worth at which the mean cost of these tasks is the target; the nearest end where none is."""
        mean = (self.usd if rows is None else self.usd[:, rows]).mean(axis=1)
        falling = np.minimum.accumulate(mean)
        logs = np.log(np.maximum(falling[::-1], 1e-15)), np.log(self.worths[::-1])
        return float(np.exp(np.interp(np.log(target_usd), *logs)))

    def cost_at(self, worth: float, rows: NDArray[np.intp]) -> float:
        """The mean cost of these tasks at a worth between those that were played."""
        mean = np.minimum.accumulate(self.usd[:, rows].mean(axis=1))
        return float(np.exp(np.interp(np.log(worth), np.log(self.worths), np.log(np.maximum(mean, 1e-15)))))

    def error(self, target_usd: float, seed: int = 1) -> tuple[float, float]:
        """Fitted on a random half, the cost of the other half over the target, less 1: its mean, which is the bias, and
        its standard deviation, over many halves."""
        dice, count = np.random.default_rng(seed), self.usd.shape[1]
        errors = []
        for _ in range(HALVES):
            order = dice.permutation(count)
            worth = self.worth_at(target_usd, order[: count // 2])
            errors.append(self.cost_at(worth, order[count // 2 :]) / target_usd - 1.0)
        return float(np.mean(errors)), float(np.std(errors))


def worths_for(base_usd: float) -> Floats:
    """The worths that are played where the best single model costs so much a task."""
    worths: Floats = np.geomspace(*SPAN, WORTHS) / base_usd
    return worths


def curve(table: Table, beliefs: Sequence[Belief], worths: Floats, tick: Callable[[], None]) -> Curve:
    """Plays every task at every worth, exact check, one answer at a time."""
    played = []
    for worth in worths.tolist():
        played.append(play(table, beliefs, portfolio_of(table), Tradeoff(usd=worth), Rules()))
        tick()
    return Curve(worths, np.stack([one.usd for one in played]), np.stack([one.right for one in played]))


def expected_usd(table: Table, beliefs: Sequence[Belief], worth: float) -> Floats:
    """(N,): what the planner expects each task to cost, before any call."""
    tradeoff, portfolio = Tradeoff(usd=worth), portfolio_of(table)
    points = (frontier(first_situation(belief, portfolio, tradeoff, Rules()), [tradeoff])[0] for belief in beliefs)
    found: Floats = np.array([point["usd"] for point in points])
    return found
