"""A share of first waves tries an action at random, and says with what chance."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from action_model.actions import Action
from action_model.belief import Belief, Estimate
from router.exploration import explored
from router.task import PlannedAction, Wave

ACTIONS = [Action("u/a"), Action("u/b"), Action("u/b", prompt="careful"), Action("u/a", "fix")]


def estimate(action: Action) -> Estimate:
    return Estimate(action, 0.5, 0.5, 10, 10, 20, 0.001, 0.002, 1.0, 2.0, 0.1)


def belief() -> Belief:
    count = len(ACTIONS)
    zeros = np.zeros(count)
    return Belief(tuple(map(estimate, ACTIONS)), np.ones(1), np.full((1, count), 0.5), np.ones(count), zeros, zeros)


def wave(planned: list[Action], fits: list[bool]) -> Wave:
    alternatives = tuple(
        {"action": action.name, "parents": (), "fits": fit} for action, fit in zip(ACTIONS, fits, strict=True)
    )
    return Wave(tuple(PlannedAction(a, estimate(a)) for a in planned), 0.1, "planned", alternatives)


plans = st.lists(st.sampled_from(ACTIONS[:3]), min_size=1, max_size=3, unique=True)


@settings(max_examples=25)
@given(plans, st.lists(st.booleans(), min_size=4, max_size=4), st.floats(0, 1))
def test_the_chance_of_being_in_the_first_wave_is_what_it_says(
    planned: list[Action], fits: list[bool], share: float
) -> None:
    planned = [action for action in planned if fits[ACTIONS.index(action)]] or [ACTIONS[0]]
    fits = [fit or action in planned for fit, action in zip(fits, ACTIONS, strict=True)]
    draws = (np.arange(500) + 0.5) / 500
    seen: Counter[Action] = Counter()
    said: dict[Action, float] = {}
    for draw in draws.tolist():
        for one in explored(wave(planned, fits), belief(), share, draw).actions:
            seen[one.action] += 1
            assert said.setdefault(one.action, one.propensity) == one.propensity
    for action, count in seen.items():
        assert count / len(draws) == pytest.approx(said[action], abs=1e-2)


def test_without_a_share_or_anything_else_that_fits_the_wave_stays() -> None:
    planned = wave([ACTIONS[0]], [True] * 4)
    assert explored(planned, belief(), 0.0, 0.0) is planned
    nothing = wave([ACTIONS[0]], [False] * 4)
    assert explored(nothing, belief(), 1.0, 0.0) is nothing


def test_what_does_not_fit_and_what_takes_several_calls_is_never_explored() -> None:
    planned = wave([ACTIONS[0]], [True, False, True, True])
    tried = {explored(planned, belief(), 1.0, draw).actions[0].action for draw in np.linspace(0, 0.999, 100).tolist()}
    assert tried == {ACTIONS[0], ACTIONS[2]}
