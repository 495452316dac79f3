"""What a plan begins with."""

import numpy as np
import pytest
from msgspec.structs import replace

from action_model.belief import Belief
from router.planner import plan_wave
from router.planning.situation import Tradeoff
from router.task import Wave
from tests.router.test_planner import estimate, situation_of

OFFERED = (("weak", -2.7, 0.57), ("middling", -1.9, 0.60), ("able", -1.2, 0.65))
"""Models at one price: the logit of each one's mean chance, and the score expected of its answers."""


@pytest.mark.parametrize("usd_value", [20.0, 150.0, 500.0])
def test_of_answers_at_one_price_the_likeliest_is_asked_first(usd_value: float) -> None:
    """Failing first earns nothing: the credit for a failed answer's score is gone once another passes."""
    demand = np.random.default_rng(0).standard_normal(256)
    success = 1.0 / (1.0 + np.exp(-(np.array([logit for _, logit, _ in OFFERED]) + 2.0 * demand[:, None])))
    estimates = tuple(
        replace(estimate(name, float(success[:, i].mean()), 6.6e-5, 1.0), score=score)
        for i, (name, _, score) in enumerate(OFFERED)
    )
    belief = Belief(estimates, np.full(256, 1 / 256), success, np.full(3, 0.72), np.zeros(3), np.zeros(3))
    found = situation_of(*estimates, tradeoff=Tradeoff(usd_value, 0.0), calls_left=6)
    wave = plan_wave(replace(found, belief=belief))
    assert isinstance(wave, Wave)
    assert [planned.action.model for planned in wave.actions] == ["a/able"]
