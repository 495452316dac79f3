"""Taking a verdict back is exact, and a refused pass is one failure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action
from action_model.belief import Belief, Estimate, Evidence
from router.learning import revised

UNTOLD = Evidence(1.0, 1.0)


def belief_of(concentration: float) -> Belief:
    z = np.linspace(-2, 2, 40)
    success = np.stack([1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-2 * z))], axis=1)
    estimates = tuple(Estimate(Action(f"a/m{i}"), 0.5, 0.5, 1, 1, 1, 0.1, 0.1, 1, 1, 0) for i in range(2))
    return Belief(estimates, np.full(40, 1 / 40), success, np.full(2, concentration), np.zeros(2), np.zeros(2))


def same(one: Belief, other: Belief) -> bool:
    pairs = ((one.weights, other.weights), (one.passes, other.passes), (one.failures, other.failures))
    return all(np.allclose(a, b, atol=1e-9) for a, b in pairs)


@given(st.sampled_from([1e-3, 4.0, np.inf]), st.floats(0.6, 1.0), st.floats(0.0, 0.4))
def test_a_word_that_says_nothing_changes_nothing(concentration: float, passes: float, false_passes: float) -> None:
    first = Evidence(passes, false_passes)
    told = belief_of(concentration).after(0, first)
    assert same(revised(told, 0, first, UNTOLD), told)


@pytest.mark.parametrize("concentration", [1e-3, 4.0, np.inf])
def test_a_refused_pass_is_a_failure_as_if_it_had_never_passed(concentration: float) -> None:
    belief, passed = belief_of(concentration), Evidence(1.0, 0.1)
    refused = revised(belief.after(0, passed), 0, passed, Evidence(0.0, 0.9))
    assert same(refused, belief.after(0, Evidence(0.0, 1.0)))
