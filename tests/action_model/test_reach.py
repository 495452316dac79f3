"""Theta's length is found again, group by group, from a few outcomes of each task."""

from collections.abc import Callable

import numpy as np
import pytest

from action_model.calibrated import calibrated
from action_model.features import Floats
from action_model.latent import Latent, logit, sigmoid, sobol_normal
from action_model.reach import groups_of, reached

SIX = np.array([[1.8], [1.6], [2.0], [1.4], [1.7], [1.9]])


def outcomes(theta: Floats, count: int, seed: int) -> tuple[Floats, Floats]:
    """Marginals, and outcomes of actions that hang together by theta."""
    dice = np.random.default_rng(seed)
    marginals = dice.uniform(0.2, 0.9, (count, len(theta)))
    chance = sigmoid(logit(marginals) * 1.5 + dice.standard_normal((count, theta.shape[1])) @ theta.T)
    return marginals, (dice.random(chance.shape) < chance).astype(float)


def fitted(marginals: Floats, score: Floats) -> Callable[[Latent], Latent]:
    return lambda latent: calibrated(latent, marginals, score)


def test_a_theta_that_is_too_short_is_made_longer_and_one_that_is_right_is_left() -> None:
    marginals, score = outcomes(SIX, 1200, 0)
    particles = sobol_normal(256, 1)
    for length in (0.55, 1.0):
        latent = Latent(particles, length * SIX, np.zeros(6), np.ones(6))
        found = reached(latent, marginals, score, fitted(marginals, score))
        assert np.mean(found.theta / SIX) == pytest.approx(1.0, abs=0.15)


def test_each_group_has_its_own_length_and_a_single_action_keeps_its_theta() -> None:
    unknown = np.full((600, 6), np.nan)
    first, told = outcomes(SIX, 600, 1)
    other, told_of_other = outcomes(0.6 * SIX[:5], 600, 2)
    score = np.block([[told, unknown], [unknown, np.column_stack([told_of_other, np.full(600, np.nan)])]])
    marginals = np.block([[first, np.full((600, 6), 0.5)], [np.full((600, 6), 0.5), other, np.full((600, 1), 0.5)]])
    assert [group.tolist() for group in groups_of(score)] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11]]
    latent = Latent(sobol_normal(256, 1), np.concatenate([0.6 * SIX, 0.6 * SIX]), np.zeros(12), np.ones(12))
    found = reached(latent, marginals, score, fitted(marginals, score))
    assert np.mean(found.theta[:6] / SIX) > 0.9
    assert np.mean(found.theta[6:11] / SIX[:5]) < 0.75
    assert found.theta[11] == latent.theta[11]


def test_few_tasks_change_little() -> None:
    marginals, score = outcomes(SIX, 3, 3)
    latent = Latent(sobol_normal(256, 1), SIX, np.zeros(6), np.ones(6))
    found = reached(latent, marginals, score, fitted(marginals, score))
    assert np.abs(np.log(found.theta / SIX)).max() < 0.3
