"""The search against the same beam written plainly: one plan after the other, one particle after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.planning.moves import Moves
from router.planning.needs import account, needs_of
from router.planning.offered import HOPES, Channel
from router.planning.plans import Layer
from router.planning.search import Effort, scarce_prices, search
from router.planning.situation import Tradeoff
from tests.router.planning.test_search import DOUBTFUL, EXACT, drawn, told

Waves = tuple[tuple[int, ...], ...]
PAID = Channel(true_pass=0.8, false_pass=0.1, usd_per_pass=2e-3, baseline=0.3, credit=0.05)
efforts = st.builds(
    Effort,
    kept=st.integers(1, 4),
    depth=st.integers(1, 6),
    width=st.integers(1, 3),
    patience=st.sampled_from([0.0, 0.01]),
)


@dataclass(frozen=True)
class Plain:
    """The search in plain words."""

    moves: Moves
    channel: Channel
    prices: Sequence[Tradeoff]
    effort: Effort

    def layers(self) -> list[list[list[float]]]:
        """For each length, what all plans that were looked at are worth by each ranking, the best first."""
        beam: list[Waves] = [()]
        found: list[list[list[float]]] = []
        most = [-np.inf] * len(self.prices)
        for _ in range(self.effort.depth):
            plans = [plan for before in beam for plan in self.extended(before)]
            if not plans:
                break
            ranked = [[self.value(plan, price) for plan in plans] for price in self.prices]
            hopes = [self.hope(plan) for plan in plans]
            hopeful = [[value + share * hope for value, hope in zip(ranked[0], hopes, strict=True)] for share in HOPES]
            rankings = [ranked[0], *hopeful, *ranked[1:]]
            found.append([sorted(ranking, reverse=True) for ranking in rankings])
            if not any(max(values) > best + self.effort.patience for values, best in zip(ranked, most, strict=True)):
                break
            most = [max(best, *values) for values, best in zip(ranked, most, strict=True)]
            beam = self.kept(plans, ranked[0], rankings)
        return found

    def extended(self, plan: Waves) -> list[Waves]:
        """The plan with each move, as a wave of its own or in the open wave."""
        made = [move for wave in plan for move in wave]
        free = [move for move in range(len(self.moves.planned)) if made.count(move) < self.moves.limit[move]]
        joined = bool(plan) and len(plan[-1]) < self.effort.width
        return [(*plan, (move,)) for move in free] + [(*plan[:-1], (*plan[-1], move)) for move in free if joined]

    def value(self, plan: Waves, price: Tradeoff) -> float:
        gain, usd, seconds = told(self.moves, self.channel, [list(wave) for wave in plan])
        return gain - price.usd * usd - price.seconds * seconds

    def hope(self, plan: Waves) -> float:
        """What may be gained at most on the mass that the plan leaves, particle by particle."""
        miss, tries = self.moves.weights.copy(), np.zeros(len(self.moves.planned))
        for move in (move for wave in plan for move in wave):
            chance = self.moves.chance[:, move] / (1.0 + tries[move] / self.moves.familiarity[move])
            miss = miss * (1.0 - self.channel.true_pass * chance - self.channel.false_pass * (1.0 - chance))
            tries[move] += 1.0
        price = self.prices[0].usd * self.moves.usd + self.prices[0].seconds * self.moves.seconds
        paid = [min(price / np.maximum(self.channel.true_pass * row, 1e-9)) for row in self.moves.chance]
        gains = [max(1.0 - self.channel.baseline - float(least), 0.0) for least in paid]
        return float(miss @ np.array(gains))

    def kept(self, plans: list[Waves], values: list[float], rankings: list[list[float]]) -> list[Waves]:
        """The best by each ranking, each once: one of those that take the same for the same value."""
        kept: dict[tuple[float, float], Waves] = {}
        for ranking in rankings:
            most = len(kept) + self.effort.kept
            for place in sorted(range(len(plans)), key=lambda place: -ranking[place])[: 4 * self.effort.kept]:
                if plans[place] not in kept.values() and len(kept) < most:
                    kept.setdefault((round(values[place], 12), round(self.needed(plans[place]), 9)), plans[place])
        return list(kept.values())

    def needed(self, plan: Waves) -> float:
        """The 0.9 quantile of seconds up to the worst moment."""
        mean, high = self.moves.seconds, self.moves.seconds_high
        waited = np.cumsum([0.0, *(max(mean[list(wave)]) for wave in plan)])
        return float(max(waited[place] + max(high[list(wave)]) for place, wave in enumerate(plan)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([EXACT, DOUBTFUL, PAID]), efforts, st.booleans())
def test_every_plan_that_a_plain_beam_looks_at_is_found_and_worth_the_same(
    seed: int, channel: Channel, effort: Effort, is_scarce: bool
) -> None:
    moves, tradeoff = drawn(seed)
    scarce = scarce_prices(moves, tradeoff) if is_scarce else ()
    layers = search(moves, channel, tradeoff, effort, scarce)
    plain = Plain(moves, channel, (tradeoff, *scarce), effort).layers()
    assert len(layers) == len(plain)
    for layer, values in zip(layers, plain, strict=True):
        found = [np.sort(losses[losses < np.inf]) for losses in layer.losses]
        np.testing.assert_allclose(found, -np.array(values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("channel", [EXACT, PAID])
def test_what_a_layer_needs_is_what_the_account_of_each_of_its_plans_says(channel: Channel) -> None:
    moves, tradeoff = drawn(7)
    effort = Effort(depth=5, width=3, patience=-1.0)
    layers: list[Layer] = search(moves, channel, tradeoff, effort, scarce_prices(moves, tradeoff))
    for layer, needs in zip(layers, needs_of(layers, moves), strict=True):
        told_each = [account(layer, plan, moves, channel.usd_per_pass) for plan in range(layer.losses.shape[1])]
        rows = [(one.nanodollars, one.seconds_high, one.calls) for one in told_each]
        np.testing.assert_allclose(np.array(rows).T, (needs.nanodollars, needs.seconds_high, needs.calls), rtol=1e-12)
