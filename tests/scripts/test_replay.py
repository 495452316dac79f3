"""The replay on invented tables whose best policy is known."""

import numpy as np
import pytest

from action_model.actions import Action
from action_model.belief import Belief, Estimate
from action_model.outcomes import Grid
from router.planner import Coincidence, Tradeoff
from scripts.bench_replay import cascade_for, evenly, figures
from scripts.replay.beliefs import portfolio_of
from scripts.replay.fixed import (
    answer_codes,
    best_cascade,
    best_single,
    best_trio,
    cascade,
    parallel,
    single,
    two_then_third,
)
from scripts.replay.planned import Rules, doubtful_table, play
from scripts.replay.tables import Floats, Table
from scripts.replay.thresholds import Thresholds, best_thresholds, candidates, scores_of, threshold_cascade

USD = np.array([0.001, 0.1, 0.1])


def table_of(passed: Floats) -> Table:
    count, models = passed.shape
    names = tuple(f"m{i}" for i in range(models))
    nothing = np.full((count, models), np.nan)
    usd = np.tile(USD[:models], (count, 1))
    ids = tuple(f"p{i}" for i in range(count))
    answers = tuple(tuple("yes" if cell else "no" for cell in row) for row in passed)
    grid = Grid(ids, ids, ("all",) * count, names, passed, usd, nothing, nothing, np.zeros(count), answers)
    return Table(grid, passed, usd, np.ones((count, models)), answers)


def belief(cheap: float, dear: float) -> Belief:
    estimates = tuple(
        Estimate(Action(f"table/m{i}"), p, p, 0, 0, 0, usd, usd, 1.0, 1.0, 0.0)
        for i, (p, usd) in enumerate(zip((cheap, dear), USD[:2].tolist(), strict=True))
    )
    success = np.tile([cheap, dear], (8, 1))
    return Belief(estimates, np.full(8, 1 / 8), success, np.full(2, 1e-3), np.zeros(2), np.zeros(2))


HALF = table_of(np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0], [0.0, 1.0]]))


def test_a_cascade_pays_the_dear_model_only_where_the_cheap_one_failed() -> None:
    played = cascade(HALF, (0, 1))
    assert played.right.mean() == 1.0
    assert played.usd.mean() == pytest.approx(0.001 + 0.05)
    assert best_cascade(HALF, 1.0) == (0, 1)
    assert best_cascade(HALF, 20.0) == (0,)
    assert cascade_for(HALF, 0.06) == (0, 1)


def test_the_planner_plays_the_cascade_where_it_is_worth_it_and_stops_where_it_is_not() -> None:
    beliefs = [belief(0.5, 0.95)] * HALF.count
    eager = play(HALF, beliefs, portfolio_of(HALF), Tradeoff(usd=1.0), Rules())
    assert eager.right.mean() == 1.0
    assert eager.usd.mean() == pytest.approx(0.051)
    thrifty = play(HALF, beliefs, portfolio_of(HALF), Tradeoff(usd=50.0), Rules())
    assert thrifty.right.mean() == 0.5
    assert thrifty.usd.max() <= 4 * 0.001 + 1e-9


def test_no_more_calls_are_made_than_the_rules_allow() -> None:
    hopeless = table_of(np.zeros((6, 2)))
    beliefs = [belief(0.6, 0.9)] * hopeless.count
    played = play(hopeless, beliefs, portfolio_of(hopeless), Tradeoff(usd=0.01), Rules(calls=3))
    assert played.calls.max() <= 3


def test_the_other_policies_and_figures_are_what_they_say() -> None:
    assert best_single(HALF) == 1
    assert parallel(HALF, (0, 1)).usd.mean() == pytest.approx(0.101)
    row = figures(single(HALF, 0), 0.1)
    assert (row["accuracy"], row["cost_share"], row["calls"]) == (0.5, pytest.approx(0.01), 1.0)
    assert evenly(HALF, 2).count == 2


def test_where_two_differ_a_third_is_paid_and_decides() -> None:
    table = table_of(np.array([[0.0, 1.0], [1.0, 1.0]]))
    played = two_then_third(table, (0, 1, 1), answer_codes(table))
    assert played.right.tolist() == [1.0, 1.0]
    assert played.calls.tolist() == [3.0, 2.0]


def test_of_two_models_the_second_decides() -> None:
    assert best_trio(HALF, 1.0) == (0, 1, 1)


def test_agreement_alone_ends_before_the_calls_do() -> None:
    beliefs = [belief(0.8, 0.8)] * HALF.count
    played = play(
        HALF, beliefs, portfolio_of(HALF), Tradeoff(usd=0.05), Rules(polls=True, coincidence=Coincidence(0.1))
    )
    assert played.calls.max() < 4
    assert played.right.mean() >= 0.5


def test_a_second_judge_keeps_most_wrong_answers_from_standing() -> None:
    table = table_of(np.tile([0.0, 1.0], (200, 1)))
    beliefs = [belief(0.6, 0.9)] * table.count
    alone, confirmed = (
        play(table, beliefs, portfolio_of(table), Tradeoff(usd=3.0), Rules(false_pass=0.3, judge_usd=price))
        for price in (None, 1e-4)
    )
    assert confirmed.right.mean() > 0.85 > alone.right.mean()


def test_an_answer_stands_if_its_score_reaches_the_threshold_or_it_was_given_before() -> None:
    table = table_of(np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    scores = np.array([[0.2, 0.5, 0.5], [0.9, 0.5, 0.5], [0.2, 0.5, 0.5]])
    played = threshold_cascade(table, scores, Thresholds((0, 1, 2), (0.8, np.inf)), answer_codes(table))
    assert played.calls.tolist() == [3.0, 1.0, 2.0]
    assert played.right.tolist() == [1.0, 1.0, 0.0]


def test_thresholds_are_tuned_within_the_target_cost() -> None:
    draw = np.random.default_rng(1)
    table = table_of((draw.random((60, 2)) < [0.4, 0.9]).astype(float))
    table = table_of(np.column_stack([table.passed, table.passed[:, 1]]))
    scores = scores_of([belief(0.4, 0.9)] * table.count)
    scores = np.column_stack([scores, scores[:, 1]])
    for target in (0.002, 0.06, 1.0):
        policy = best_thresholds(table, scores, target)
        assert threshold_cascade(table, scores, policy, answer_codes(table)).usd.mean() <= target
    assert set(candidates(table)) == {0, 1, 2}


def test_a_doubtful_check_passes_every_right_answer_and_some_wrong_ones() -> None:
    table = table_of(np.tile([0.0, 1.0], (400, 1)))
    seen = doubtful_table(table).passed
    assert seen[:, 1].min() == 1.0
    assert 0.04 < seen[:, 0].mean() < 0.18
    assert cascade(table, (0, 1), seen).right.mean() == pytest.approx(1.0 - seen[:, 0].mean())
