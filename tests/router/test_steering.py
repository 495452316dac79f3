"""A stated mean cost is kept by what runs cost: on invented costs, and in a dispatcher."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.planning.situation import Tradeoff
from router.steering import GAIN, MOST, Steering, after_run, scale_of
from router.task import Budget, OperatingPoint, Task
from scripts.simulation import JumpingLoop, Play
from scripts.stage import stage, task

AT, GOAL = Tradeoff(50.0, 0.02), 0.001
costs = st.floats(0.0, 1e6, allow_nan=False)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


@given(st.lists(costs, max_size=50))
def test_whatever_runs_cost_a_dollar_counts_within_bounds_and_the_same_again(spent: list[float]) -> None:
    once, again = Steering({AT: GOAL}), Steering({AT: GOAL})
    for usd in spent:
        once.take(AT, usd)
        again.take(AT, usd)
        assert 1.0 / MOST - 1e-9 <= once.scale(AT) <= MOST + 1e-9
    assert once.scale(AT) == again.scale(AT)


@given(st.lists(st.floats(0.0, 2 * GOAL), min_size=1, max_size=50))
def test_within_its_bounds_the_mean_is_off_by_the_debt_over_the_runs(spent: list[float]) -> None:
    debt = 0.0
    for usd in spent:
        debt = after_run(debt, usd, GOAL)
    assert debt == pytest.approx(sum(spent) / GOAL - len(spent), abs=1e-9)
    assert math.log(scale_of(debt)) == pytest.approx(GAIN * debt)


@given(costs, costs)
def test_a_dearer_run_never_makes_a_dollar_count_less(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert scale_of(after_run(0.0, less, GOAL)) <= scale_of(after_run(0.0, more, GOAL))


@pytest.mark.parametrize("off", [0.6, 1.25, 1.8])
def test_the_mean_of_heavy_tailed_costs_comes_to_the_goal_however_the_fit_was_off(off: float) -> None:
    """Costs fall with the worth of a dollar as they do on public tables: by about its power of .7."""
    dice, steering, spent = np.random.default_rng(4), Steering({AT: GOAL}), []
    for factor in np.exp(dice.normal(-0.5, 1.0, 1500)):
        usd = off * GOAL * float(factor) * steering.scale(AT) ** -0.7
        steering.take(AT, usd)
        spent.append(usd)
    assert np.mean(spent) == pytest.approx(GOAL, rel=0.05)
    assert np.mean(spent[500:]) == pytest.approx(GOAL, rel=0.05)


def test_a_goal_that_no_plan_meets_is_not_chased_for_ever() -> None:
    steering = Steering({AT: GOAL})
    for _ in range(1000):
        steering.take(AT, 20 * GOAL)
    for _ in range(200):
        steering.take(AT, 0.5 * GOAL)
    assert steering.scale(AT) < 1.0


def test_without_a_goal_a_task_is_left_as_it_is() -> None:
    it: Task = task(budget=Budget(effort="low"), operating_point=OperatingPoint(AT.usd, AT.seconds))
    steering = Steering({AT: GOAL})
    steering.take(AT, 11 * GOAL)
    assert Steering({}).steered(it) is it
    assert Steering({Tradeoff(1.0, 0.0): GOAL}).steered(it) is it
    steered = steering.steered(it).operating_point
    assert steered is not None
    assert steered.usd == pytest.approx(AT.usd * math.exp(10 * GAIN))
    assert steered.seconds == AT.seconds


@pytest.mark.anyio
async def test_runs_dearer_than_stated_make_the_next_ones_plan_for_less() -> None:
    point = OperatingPoint(2.0, 0.0)
    steering = Steering({Tradeoff(2.0, 0.0): 1e-6})
    it = stage(lambda model, body, number: Play("much too long an answer"), steering=steering)
    first = await it.run(task(operating_point=point, budget=Budget(calls=2)))
    for _ in range(12):
        last = await it.run(task(operating_point=point, budget=Budget(calls=2)))
    assert 1.0 < steering.scale(Tradeoff(2.0, 0.0)) <= MOST + 1e-9
    worth = [run.waves[0].value for run in (first, last)]
    assert worth[1] < worth[0]
    kept = it.ledger.runs[last.id]["request"]
    assert kept["usd_value"] == 2.0
    assert kept["usd_scale"] == pytest.approx(steering.scale(Tradeoff(2.0, 0.0)))
