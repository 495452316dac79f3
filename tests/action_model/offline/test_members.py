"""How sets of actions are valued on tasks that they were not chosen by, and whether their loss is as promised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from action_model.features import Floats
from action_model.offline.ensembles import ensemble_value, followed, greedy_order
from action_model.offline.members import choose_members, loss_bounds
from action_model.offline.sampling import operating_points
from tests.action_model.offline.test_sampling import grid_of


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 30))
@settings(max_examples=60)
def test_following_an_order_is_worth_what_was_promised_of_it(seed: int, actions: int, tasks: int) -> None:
    """On the tasks it was made for; on each task it is never worth more than a success, and stops cost nothing."""
    random = np.random.default_rng(seed)
    score, usd = (random.random((tasks, actions)) < 0.5).astype(float), random.random((tasks, actions)) / 10
    points = np.array([0.0, 0.5, 2.0, 1000.0])
    order, worth = greedy_order(score, usd, points), ensemble_value(score, usd, points)
    each = followed(score, usd, points, order)
    assert each.mean(axis=1) == pytest.approx(worth)
    assert (each <= 1.0 + 1e-9).all()
    assert (worth >= -1e-9).all()
    assert all(len(set(row[row >= 0].tolist())) == (row >= 0).sum() for row in order), "each at most once"
    solved = 1.0 - np.prod(1.0 - score, axis=1).mean()
    assert worth[0] == pytest.approx(solved), "where money is nothing, all are tried until one passes"


COSTS = [0.001 * (1 + i) for i in range(10)]


def outcomes(count: int, seed: int) -> Floats:
    """Four actions each better than the last, and six each of which alone solves a few tasks."""
    random = np.random.default_rng(seed)
    level = random.random((count, 1))
    rare = (random.random((count, 6)) < 0.06).astype(float)
    return np.concatenate([(level < np.linspace(0.5, 0.8, 4)).astype(float), rare], axis=1)


def test_the_loss_on_other_tasks_is_within_what_was_asked_nearly_always() -> None:
    """Whichever tasks it was chosen by: a set that looks good on its own tasks is not enough."""
    found = [
        choose_members(grid_of(outcomes(200, seed), COSTS), grid_of(outcomes(120, 100 + seed), COSTS), 0.04)
        for seed in range(10)
    ]
    assert np.mean([one.held_worst_loss <= 0.04 for one in found]) >= 0.85
    assert all(one.bound <= 0.04 for one in found)
    assert np.mean([len(one.members) for one in found]) < 9.5, "and not all are kept for it"


def test_bounds_fall_with_every_member_to_nothing() -> None:
    grid = grid_of(outcomes(200, 3), [0.001] * 10)
    bounds = loss_bounds(grid, operating_points(grid.usd, 4), "ensemble", 100)
    assert (np.diff(bounds) <= 1e-12).all()
    assert bounds[-1] == pytest.approx(0.0, abs=1e-9)
    assert bounds[-2] >= 3 / 200


def test_every_member_says_what_it_adds_at_every_point() -> None:
    grid = grid_of(outcomes(300, 5), COSTS)
    chosen = choose_members(grid, grid, 0.05)
    for member in chosen.members:
        assert len(member.adds) == len(chosen.points)
        assert max(member.adds) == pytest.approx(member.loses)
    assert len(chosen.held_losses) == len(chosen.points)
    assert max(chosen.held_losses) == chosen.held_worst_loss


def test_few_tasks_leave_nothing_out() -> None:
    """Twenty tasks on which an action adds nothing do not show that it adds less than 2 %."""
    score = np.ones((20, 3))
    assert len(choose_members(grid_of(score, [0.001, 0.002, 0.003]), grid_of(score, [0.001] * 3), 0.02).members) == 3
    score = np.ones((200, 3))
    assert len(choose_members(grid_of(score, [0.001, 0.002, 0.003]), grid_of(score, [0.001] * 3), 0.02).members) == 1
