"""The search against every plan there is, on beliefs drawn at random with fixed seeds."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from action_model.actions import Action
from action_model.belief import Estimate
from action_model.prices import NANODOLLARS_PER_USD
from router.planning.moves import Moves
from router.planning.needs import account
from router.planning.offered import Channel
from router.planning.search import Effort, search
from router.planning.situation import Tradeoff
from router.task import PlannedAction

Floats = NDArray[np.float64]
DEPTH = 4
EXACT, DOUBTFUL = Channel(), Channel(true_pass=0.9, false_pass=0.2, usd_per_pass=1e-4, baseline=0.1, credit=0.1)


def drawn(seed: int) -> tuple[Moves, Tradeoff]:
    """Three moves whose chances go with two hidden demands of the task, of very different prices and durations."""
    dice = np.random.default_rng(seed)
    demand, loads = dice.standard_normal((64, 2)), dice.uniform(0.0, 2.0, (2, 3))
    chance = 1.0 / (1.0 + np.exp(demand @ loads - dice.normal(0.3, 1.2, 3)))
    usd, seconds = 10.0 ** dice.uniform(-4.5, -1.5, 3), 10.0 ** dice.uniform(-0.3, 1.3, 3)
    estimates = [
        Estimate(Action(f"a/{i}"), 0.5, 0.5, 1, 1, 1, usd[i], usd[i], seconds[i], seconds[i], 0) for i in (0, 1, 2)
    ]
    moves = Moves(
        planned=tuple(PlannedAction(estimate.action, estimate) for estimate in estimates),
        weights=np.full(64, 1 / 64),
        chance=chance,
        usd=usd,
        nanodollars_high=2.0 * usd * NANODOLLARS_PER_USD,
        seconds=seconds,
        seconds_high=1.5 * seconds,
        credit=dice.uniform(0.0, 0.05, 3),
        familiarity=np.full(3, dice.choice([0.5, 4.0, np.inf])),
        limit=np.array([8.0, 8.0, 1.0]),
        calls=np.ones(3),
        index=np.arange(3),
    )
    return moves, Tradeoff(10.0 ** dice.uniform(-0.5, 2.5), dice.choice([0.0, 0.002, 0.02, 0.05]))


def told(moves: Moves, channel: Channel, waves: list[list[int]]) -> tuple[float, float, float]:
    """Gain, dollars and seconds of a series of waves, one try after the other, as the words of the module have it."""
    miss, gain, usd, seconds, credit = moves.weights, 0.0, 0.0, 0.0, channel.credit
    tries = np.zeros(3)
    for wave in waves:
        reach = float(miss.sum())
        seconds += reach * max(moves.seconds[move] for move in wave)
        for move in wave:
            right = miss * moves.chance[:, move] / (1.0 + tries[move] / moves.familiarity[move])
            passing = channel.true_pass * right + channel.false_pass * (miss - right)
            better = max(float(moves.credit[move]) - credit, 0.0)
            fallback = channel.baseline + credit - channel.credit
            gain += float((channel.true_pass * right - fallback * passing + better * (miss - passing)).sum())
            usd += reach * float(moves.usd[move]) + channel.usd_per_pass * float(passing.sum())
            miss, credit = miss - passing, credit + better
            tries[move] += 1.0
    return gain, usd, seconds


def every_plan(depth: int) -> list[list[list[int]]]:
    """All series of waves of so many tries of three moves, the third of which may be made once."""
    plans = []
    for moves, joins in product(product(range(3), repeat=depth), product((False, True), repeat=depth - 1)):
        if moves.count(2) <= 1:
            waves = [[moves[0]]]
            for move, is_joined in zip(moves[1:], joins, strict=True):
                waves[-1].append(move) if is_joined else waves.append([move])
            plans.append(waves)
    return plans


PLANS = [plan for depth in range(1, DEPTH + 1) for plan in every_plan(depth)]


def shortfall(seed: int, channel: Channel) -> float:
    """How much less the best plan found is worth than the best of all plans of at most four tries."""
    moves, tradeoff = drawn(seed)
    layers = search(moves, channel, tradeoff, Effort(depth=DEPTH, patience=0.0))
    worths = [told(moves, channel, plan) for plan in PLANS]
    most = max(gain - tradeoff.usd * usd - tradeoff.seconds * seconds for gain, usd, seconds in worths)
    return most - max(float(layer.values.max()) for layer in layers)


@pytest.mark.parametrize("channel", [EXACT, DOUBTFUL])
def test_no_plan_is_worth_much_more_than_the_one_found(channel: Channel) -> None:
    short = [shortfall(seed, channel) for seed in range(20)]
    assert min(short) > -1e-9
    assert max(short) < 0.01
    assert np.mean(short) < 0.001


@pytest.mark.parametrize("channel", [EXACT, DOUBTFUL])
def test_what_is_told_of_a_plan_is_what_it_brings_and_takes(channel: Channel) -> None:
    moves, tradeoff = drawn(3)
    for layer in search(moves, channel, tradeoff, Effort(depth=DEPTH, patience=-1.0)):
        for plan in range(layer.losses.shape[1]):
            if layer.values[plan] > -np.inf:
                found = account(layer, plan, moves, channel.usd_per_pass)
                gain, usd, seconds = told(moves, channel, layer.waves(plan))
                np.testing.assert_allclose((found.usd, found.seconds), (usd, seconds), rtol=1e-9, atol=1e-12)
                value = gain - tradeoff.usd * usd - tradeoff.seconds * seconds
                np.testing.assert_allclose(layer.values[plan], value, rtol=1e-9, atol=1e-12)


def test_no_plan_repeats_a_move_or_widens_a_wave_beyond_what_is_allowed() -> None:
    moves, _ = drawn(5)
    for layer in search(moves, EXACT, Tradeoff(0.0, 0.05), Effort(width=2, patience=-1.0)):
        plans = [layer.waves(plan) for plan in np.flatnonzero(layer.values > -np.inf).tolist()]
        assert plans
        assert all(len(wave) <= 2 for waves in plans for wave in waves)
        assert all(sum(wave.count(2) for wave in waves) <= 1 for waves in plans)
