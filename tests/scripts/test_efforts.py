"""Efforts are fitted to a stated mean cost on invented outcomes whose costs are known."""

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.planner import Tradeoff
from scripts.efforts import fit, read_shares, settings
from scripts.replay.beliefs import portfolio_of
from scripts.replay.curves import Curve, curve
from scripts.replay.planned import Rules, play
from scripts.replay.steered import play_steered
from tests.scripts.test_replay import belief, table_of


def test_shares_are_read_and_a_wrong_one_is_named() -> None:
    assert read_shares("low=0.1, high=2") == {"low": 0.1, "high": 2.0}
    for wrong in ("low", "low=x", "huge=1", "low=0"):
        with pytest.raises(click.BadParameter):
            read_shares(wrong)


def test_the_mean_cost_lands_within_five_percent_where_tasks_differ() -> None:
    goal, draw = 0.03, np.random.default_rng(3)
    cheap, dear = draw.uniform(0.05, 0.95, 80), draw.uniform(0.05, 0.95, 80)
    table = table_of((draw.random((80, 2)) < np.stack([cheap, dear], axis=1)).astype(float))
    beliefs = [belief(*chances) for chances in zip(cheap.tolist(), dear.tolist(), strict=True)]
    played = curve(table, beliefs, np.geomspace(3.0, 12.0, 9), lambda: None)
    level = fit(played, goal, (table, beliefs), (table, beliefs))
    assert level.held_usd == pytest.approx(goal, rel=0.05)
    assert abs(level.bias) < 0.05 and 0.0 < level.spread < 0.5
    assert level.shift == pytest.approx(0.0)
    assert np.mean(np.abs(level.steered)) < 0.05
    assert f"usd = {level.usd_value:.4g}" in settings({"low": level}, "table", 80, 80, 0.1)


def test_what_tasks_cost_brings_a_mean_that_was_fitted_wrongly_to_the_goal() -> None:
    draw = np.random.default_rng(5)
    cheap, dear = draw.uniform(0.05, 0.95, 300), draw.uniform(0.05, 0.95, 300)
    table = table_of((draw.random((300, 2)) < np.stack([cheap, dear], axis=1)).astype(float))
    beliefs = [belief(*chances) for chances in zip(cheap.tolist(), dear.tolist(), strict=True)]
    alone = play(table, beliefs, portfolio_of(table), Tradeoff(usd=5.0), Rules()).usd.mean()
    goal = 0.7 * float(alone)
    assert play_steered(table, beliefs, Tradeoff(usd=5.0), goal, 1).usd.mean() == pytest.approx(goal, rel=0.05)


@given(st.lists(st.floats(0.001, 10.0), min_size=4, max_size=8), st.floats(0.001, 10.0))
def test_a_stated_cost_is_found_on_the_curve_or_its_nearest_end_is_taken(costs: list[float], goal: float) -> None:
    falling = np.array(sorted(costs, reverse=True))
    it = Curve(np.geomspace(1.0, 100.0, len(costs)), np.tile(falling[:, None], (1, 6)), np.ones((len(costs), 6)))
    worth = it.worth_at(goal)
    assert 1.0 - 1e-9 <= worth <= 100.0 + 1e-6
    reachable = min(max(goal, falling[-1]), falling[0])
    if np.all(np.diff(falling) < -1e-6):
        assert it.cost_at(worth, np.arange(6)) == pytest.approx(reachable, rel=1e-3)


def test_a_dearer_target_never_makes_a_dollar_worth_more() -> None:
    it = Curve(np.geomspace(1.0, 100.0, 4), np.array([[4.0], [3.0], [3.5], [1.0]]), np.ones((4, 1)))
    worths = [it.worth_at(goal) for goal in (0.5, 1.0, 2.0, 3.0, 4.0, 9.0)]
    assert worths == sorted(worths, reverse=True)
