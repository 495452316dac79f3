import numpy as np
import pytest

from action_model.calibrated import calibrated
from action_model.latent import Latent, sigmoid, sobol_normal


def test_scale_and_bias_are_fitted_so_that_the_mean_over_z_is_what_came() -> None:
    particles = sobol_normal(256, 2)
    theta = np.array([[1.5, 0.0], [0.5, -1.0]])
    marginals = np.random.default_rng(0).uniform(0.1, 0.9, (3000, 2))
    off = Latent(particles, theta, np.array([0.8, -0.5]), np.array([0.4, 2.0]))
    found = calibrated(off, marginals, marginals)
    served = np.array([found.success(row).mean(axis=0) for row in marginals[:300]])
    assert np.abs(served - marginals[:300]).max() < 0.03
    assert found.theta is theta


def test_scores_that_are_unknown_say_nothing() -> None:
    particles = sobol_normal(256, 2)
    latent = Latent(particles, np.ones((1, 2)), np.zeros(1), np.ones(1))
    marginals = sigmoid(np.random.default_rng(1).normal(0.0, 1.0, (400, 1)))
    doubled = np.concatenate([marginals, 1.0 - marginals])
    unknown = np.concatenate([marginals, np.full_like(marginals, np.nan)])
    assert calibrated(latent, doubled, unknown).scale == pytest.approx(calibrated(latent, marginals, marginals).scale)
