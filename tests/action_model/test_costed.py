"""Costs that a table does not tell: left out, filled, or one unit a call."""

import numpy as np
import pytest

from action_model.costed import with_costs
from action_model.outcomes import Floats, Grid

NAN = float("nan")


def grid(usd: list[list[float]]) -> Grid:
    costs = np.array(usd)
    count, models = costs.shape
    names = tuple("abc"[:models])
    known: Floats = np.ones_like(costs)
    answers = tuple(tuple(f"{name}{i}" for name in names) for i in range(count))
    prompts = tuple(f"p{i}" for i in range(count))
    return Grid(prompts, prompts, prompts, names, known, costs, known, known, np.ones(count), answers)


def test_a_model_without_costs_is_left_out_with_all_that_is_its_own() -> None:
    train, test, free = with_costs(grid([[1.0, NAN, 3.0], [2.0, NAN, 5.0]]), grid([[1.0, 9.0, 2.0]]))
    assert (train.models, test.models, free) == (("a", "c"), ("a", "c"), ("b",))
    assert test.answers == (("a0", "c0"),)
    assert test.usd.tolist() == [[1.0, 2.0]]
    assert train.score.shape == train.seconds.shape == train.output_tokens.shape == (2, 2)


def test_an_answer_without_a_cost_takes_its_models_mean_of_the_train_split() -> None:
    train, test, free = with_costs(grid([[1.0, 4.0], [NAN, 6.0], [3.0, 5.0]]), grid([[NAN, 7.0]]))
    assert train.usd[1, 0] == pytest.approx(2.0)
    assert test.usd.tolist() == [[2.0, 7.0]]
    assert free == ()


def test_where_nothing_has_a_cost_every_call_counts_the_same() -> None:
    train, test, free = with_costs(grid([[NAN, NAN]]), grid([[NAN, NAN]]))
    assert train.usd.tolist() == test.usd.tolist() == [[1.0, 1.0]]
    assert free == ()
