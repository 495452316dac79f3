"""Training on invented outcomes whose structure is known."""

from pathlib import Path

import numpy as np
import pytest

from action_model.evaluate import evaluate_grid
from action_model.frontier import aiq, cost_at_share, hull, policy_points, single_points
from action_model.latent import PARTICLES, LatentConfig, fit_latent, log_likelihood
from action_model.metrics import auc, brier, calibration_error
from action_model.outcomes import SELECTIONS, Grid, read_grids

DATA = Path(__file__).parents[3] / "shared" / "data"


def grid_of(count: int, seed: int) -> Grid:
    """Two topics; model 0 is good at one, model 1 at the other, model 2 is good and dear, and hard prompts fail all."""
    random = np.random.default_rng(seed)
    topics = random.integers(0, 2, count)
    words = (["sum", "product", "matrix", "integral"], ["poem", "rhyme", "verse", "stanza"])
    prompts = tuple(" ".join(random.choice(words[t], 6)) + f" {i}" for i, t in enumerate(topics))
    hard = random.random(count) < 0.3
    right = np.stack([topics == 0, topics == 1, np.ones(count, dtype=bool)], axis=1) & ~hard[:, None]
    flip = random.random(right.shape) < 0.05
    score = (right ^ flip).astype(float)
    usd = np.tile([0.001, 0.001, 0.02], (count, 1))
    nothing = np.full(score.shape, np.nan)
    ids = tuple(f"{seed}-{i}" for i in range(count))
    tokens = np.full(score.shape, 50.0)
    answers = tuple((None,) * 3 for _ in range(count))
    categories = tuple("maths" if t == 0 else "verse" for t in topics)
    return Grid(prompts, ids, categories, ("a", "b", "c"), score, usd, tokens, nothing, np.full(count, 9.0), answers)


def test_ours_finds_the_topics_and_beats_every_single_model() -> None:
    figures = evaluate_grid(grid_of(400, 1), grid_of(150, 2))
    ours, single = figures["estimators"]["ours"], figures["estimators"]["best_single"]
    assert ours["aiq"] > single["aiq"] + 0.05
    assert ours["auc"] > 0.72
    low, high = ours["aiq_interval"]
    assert low <= ours["aiq"] <= high
    assert figures["joint"]["log_likelihood"] > figures["joint"]["log_likelihood_independent"]


def test_the_latent_model_learns_that_hard_tasks_fail_all() -> None:
    random = np.random.default_rng(0)
    hard = random.random((600, 1)) < 0.4
    score = (random.random((600, 3)) < np.where(hard, 0.1, 0.9)).astype(float)
    marginals = np.full_like(score, score.mean())
    latent = fit_latent(marginals, score, LatentConfig(epochs=200, dimensions=2))
    success = latent.success(marginals[0])
    weights = np.full(PARTICLES, 1.0 / PARTICLES)
    failed = np.array([0.0, np.nan, np.nan])
    after = log_likelihood(success, weights, np.array([0.0, 0.0, np.nan])) - log_likelihood(success, weights, failed)
    assert np.exp(after) > 1.0 - score.mean() + 0.08
    assert success.mean() == pytest.approx(score.mean(), abs=0.05)


def test_the_frontier_is_rising_and_a_perfect_choice_fills_it() -> None:
    grid = grid_of(200, 3)
    singles = single_points(grid)
    perfect = policy_points(grid, grid.score, grid.usd)
    assert aiq(singles, singles) <= aiq(perfect, singles) <= 1.0
    frontier = hull(np.concatenate([perfect, singles]))
    assert (np.diff(frontier, axis=0) > 0).all()
    share = cost_at_share(perfect, singles, 1.0)
    assert share is not None
    assert share < 0.5


def test_metrics_know_the_perfect_and_the_useless() -> None:
    score = np.array([[1.0], [0.0], [1.0], [0.0]])
    assert (brier(score, score), auc(score, score)) == (0.0, 1.0)
    assert auc(np.full((4, 1), 0.5), score) == 0.5
    assert calibration_error(np.full((4, 1), 0.5), score) <= 0.5


def test_a_real_table_is_read_as_its_readme_says() -> None:
    grids = read_grids(DATA, SELECTIONS["llmdrift"], ("train", "dev"))
    assert (len(grids["train"].models), len(grids["dev"].prompts)) == (4, 143)
    assert not np.isnan(grids["dev"].usd).any()
