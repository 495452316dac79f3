"""Calls one at a time: what it saves to believe what failed."""

import numpy as np

from action_model.offline.sequential import Tasks, followed


def test_who_believes_that_alike_actions_fail_together_spends_less_on_the_same_successes() -> None:
    """Two cheap actions that pass the same tasks, and a dear one that passes all: after a failure the other cheap one
    is money thrown away."""
    easy = np.arange(200) % 2 == 0
    passed = np.stack([easy, easy, np.ones(200, dtype=bool)], axis=1)
    one = np.array([[0.98, 0.98, 0.99], [0.02, 0.02, 0.99]])  # (S, M)
    usd = np.tile([1.0, 1.0, 5.0], (200, 1))
    tasks = Tasks(np.tile(one, (200, 1, 1)), usd, usd, passed)
    joint, independent = followed(tasks, True), followed(tasks, False)
    full = [points[points[:, 1] > 0.999][:, 0].min() for points in (joint, independent)]
    np.testing.assert_allclose(full, [3.5, 4.0])


def test_nobody_spends_more_than_four_calls_or_after_a_success() -> None:
    random = np.random.default_rng(0)
    chances = random.uniform(0.05, 0.95, (50, 8, 6))
    usd = np.ones((50, 6))
    never = Tasks(chances, usd, usd, np.zeros((50, 6), dtype=bool))
    always = Tasks(chances, usd, usd, np.ones((50, 6), dtype=bool))
    assert followed(never, True)[:, 0].max() <= 4.0
    np.testing.assert_allclose(followed(always, True), 1.0)
