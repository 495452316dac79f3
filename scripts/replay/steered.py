"""A stated mean cost in replay: tasks come one after the other, and what they cost steers what a dollar is worth."""

from collections.abc import Sequence

import numpy as np

from action_model.belief import Belief
from router.planner import Tradeoff
from router.steering import Steering
from scripts.replay.beliefs import portfolio_of
from scripts.replay.fixed import Played
from scripts.replay.planned import Game, Rules, first_situation
from scripts.replay.tables import Table


def play_steered(table: Table, beliefs: Sequence[Belief], tradeoff: Tradeoff, goal_usd: float, seed: int) -> Played:
    """Every prompt once, in a random order, exact check, one answer at a time; the rows are in that order."""
    portfolio, steering, rows = portfolio_of(table), Steering({tradeoff: goal_usd}), []
    for row in np.random.default_rng(seed).permutation(table.count).tolist():
        now = Tradeoff(tradeoff.usd * steering.scale(tradeoff), tradeoff.seconds)
        rows.append(Game(table, row, Rules(), first_situation(beliefs[row], portfolio, now, Rules())).play())
        steering.take(tradeoff, rows[-1][1])
    right, usd, seconds, calls = np.array(rows).reshape(-1, 4).T
    return Played(right, usd, seconds, calls)
