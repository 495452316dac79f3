"""Sampling, completion and the choice of members, on invented outcomes whose truth is known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from action_model.offline.completion import complete
from action_model.offline.ensembles import ensemble_value
from action_model.offline.members import choose_members
from action_model.offline.replayed import Replay, active, uniform
from action_model.offline.sampling import (
    SamplingConfig,
    anchor_tasks,
    knowledge,
    next_outcomes,
    operating_points,
    regions_of,
    worth,
)
from action_model.outcomes import Grid

RANDOM = np.random.default_rng(0)


def table(count: int = 300) -> Replay:
    """Three actions: cheap and fair, dear and good, dearest and bad."""
    x = RANDOM.normal(size=(count, 8))
    chance = np.array([0.6, 0.85, 0.3])
    score = (RANDOM.random((count, 3)) < chance).astype(float)
    usd = np.tile([0.001, 0.01, 0.05], (count, 1))
    return Replay(x, score, usd, x[:50], score[:50], usd[:50])


def test_money_does_not_go_where_no_decision_hangs_on_it() -> None:
    replay = table()
    bought = active(replay, 0.25, 0)
    blind = uniform(replay, 0.25, 0)
    assert (bought * replay.usd).sum() <= 0.26 * replay.usd.sum()
    assert bought[:, :2].mean() > 0.9
    assert bought[:, 2].mean() < 0.2
    assert blind[:, :2].mean() < 0.4


def test_what_is_observed_stays_and_what_is_not_is_near_the_truth() -> None:
    x = RANDOM.normal(size=(400, 4))
    chance = 1 / (1 + np.exp(-2 * x[:, :1] - np.array([[-1.0, 0.0, 1.0]])))
    score = (RANDOM.random(chance.shape) < chance).astype(float)
    holes = RANDOM.random(score.shape) < 0.4
    told = np.where(holes, np.nan, score)
    found = complete(x, told)
    assert np.array_equal(found.score[~holes], score[~holes])
    assert not np.isnan(found.score).any()
    error = ((found.score - chance)[holes] ** 2).mean()
    naive = ((np.nanmean(told, axis=0)[None, :] - chance)[holes] ** 2).mean()
    assert error < 0.75 * naive
    assert (found.variance[holes] > 0).all()


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**31), st.floats(0, 1))
def test_next_outcomes_are_new_alive_and_within_the_budget(count: int, width: int, seed: int, budget: float) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 3))
    usd = random.random((count, width)) * 0.1 + 0.001
    seen = random.random((count, width)) < 0.5
    score = np.where(seen, (random.random((count, width)) < 0.5).astype(float), np.nan)
    region = regions_of(x, SamplingConfig())
    found = worth(knowledge(score, usd, region), operating_points(usd))
    pairs = next_outcomes(seen, region, found, usd, budget, random.random(count))
    assert len(set(pairs)) == len(pairs)
    assert all(not seen[i, a] and found.alive[a] for i, a in pairs)
    assert sum(usd[i, a] for i, a in pairs[:-1]) <= budget + 1e-9
    assert (found.value >= 0).all()
    assert found.alive.any()


def test_anchors_cover_every_group() -> None:
    x = np.repeat(np.eye(4) * 10, 25, axis=0) + RANDOM.normal(size=(100, 4)) * 0.01
    anchors = anchor_tasks(x, SamplingConfig(anchors=16))
    assert len(set(anchors.tolist())) == 16
    assert {int(i) // 25 for i in anchors} == {0, 1, 2, 3}


def grid_of(score: np.ndarray[tuple[int, int], np.dtype[np.float64]], usd: list[float]) -> Grid:
    count, width = score.shape
    ids = tuple(f"task {i}" for i in range(count))
    nothing = np.full(score.shape, np.nan)
    costs = np.tile(usd, (count, 1))
    names = tuple(f"m{j}" for j in range(width))
    nobody = tuple((None,) * width for _ in ids)
    return Grid(ids, ids, ("all",) * count, names, score, costs, nothing, nothing, np.zeros(count), nobody)


def test_two_weak_actions_that_complement_each_other_beat_the_two_best() -> None:
    half = np.repeat([1.0, 0.0], 100)
    strong = np.r_[np.ones(60), np.zeros(40), np.ones(60), np.zeros(40)]
    score = np.stack([half, 1.0 - half, strong, strong], axis=1)[RANDOM.permutation(200)]
    grid = grid_of(score, [0.001, 0.001, 0.001, 0.001])
    chosen = choose_members(grid, grid, 0.02)
    assert {member.name for member in chosen.members} == {"m0", "m1"}
    assert chosen.worst_loss <= 0.02
    assert chosen.top_k_loss > 0.3


def test_an_ensemble_stops_where_another_try_is_not_worth_its_money() -> None:
    score, usd = np.array([[0.0, 1.0]]), np.array([[0.1, 0.2]])
    values = ensemble_value(score, usd, np.array([0.0, 1.0, 10.0]))
    assert np.allclose(values, [1.0, 0.8, 0.0])
