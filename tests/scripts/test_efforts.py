"""Efforts are fitted to a stated mean cost on invented outcomes whose costs are known."""

import click
import numpy as np
import pytest

from scripts.bench_replay import fit_tradeoff
from scripts.efforts import HALVINGS, cost, read_shares
from scripts.replay.planned import Rules
from tests.scripts.test_replay import belief, table_of


def test_shares_are_read_and_a_wrong_one_is_named() -> None:
    assert read_shares("low=0.1, high=2") == {"low": 0.1, "high": 2.0}
    for wrong in ("low", "low=x", "huge=1", "low=0"):
        with pytest.raises(click.BadParameter):
            read_shares(wrong)


def test_the_mean_cost_lands_within_five_percent_where_tasks_differ() -> None:
    goal, draw = 0.03, np.random.default_rng(3)
    cheap, dear = draw.uniform(0.05, 0.95, 200), draw.uniform(0.05, 0.95, 200)
    table = table_of((draw.random((200, 2)) < np.stack([cheap, dear], axis=1)).astype(float))
    beliefs = [belief(*chances) for chances in zip(cheap.tolist(), dear.tolist(), strict=True)]
    fitted = fit_tradeoff(table, beliefs, goal, Rules(), lambda: None, HALVINGS)
    assert cost(table, beliefs, fitted) == pytest.approx(goal, rel=0.05)
