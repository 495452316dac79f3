"""The planner: the best next wave, or the right moment to stop. Pure and deterministic; see docs/planner.md.

The value of an answer is P(all requirements satisfied) plus a small credit for a graded score. A wave is worth the
expected value of the best answer it leads to, minus what its money and time are worth (`Tradeoff`). Hard limits hold
whatever the estimates say: the 0.9 quantile of the wave's cost fits the money left, that of its duration the time left,
and its calls the calls left.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from action_model.prices import NANODOLLARS_PER_USD
from router.planning.moves import Moves, build_moves
from router.planning.search import Channel, Effort, Layer, Row, fitting, search
from router.planning.situation import Confirmation, Situation, Stop, Tradeoff, Verification
from router.planning.standing import Standing, standings
from router.task import Candidate, FinishReason, Wave

__all__ = [
    "Confirmation",
    "Situation",
    "Stop",
    "Tradeoff",
    "Verification",
    "best_candidate",
    "frontier",
    "plan_wave",
]


def best_candidate(situation: Situation) -> Candidate | None:
    """The candidate to return if the run ends now, or None if there is none."""
    found = standings(situation)
    return found[0].candidate if found else None


def plan_wave(situation: Situation) -> Wave | Stop:
    """The best next wave, or why to stop. Never plans beyond money, calls or deadline; same input, same plan."""
    found = standings(situation)
    good = _good_enough(situation, found)
    if good is not None:
        return good
    moves = build_moves(situation, found)
    if not moves.planned:
        return Stop(FinishReason.UPSTREAM_UNAVAILABLE, "no action on offer has a known cost")
    choice = _Choice.of(situation, found, moves)
    return choice.decide()


def _good_enough(situation: Situation, found: Sequence[Standing]) -> Stop | None:
    if not found:
        return None
    best = found[0]
    if best.passed and best.chance >= situation.quality_threshold:
        return Stop(FinishReason.ALL_SATISFIED, f"all requirements hold with chance {best.chance:.3f}")
    if max(best.chance, best.score) >= situation.quality_threshold:
        return Stop(FinishReason.QUALITY_REACHED, f"score {best.score:.3f}, chance {best.chance:.3f}")
    return None


@dataclass(frozen=True)
class _Choice:
    """The plans that were found, and which of them fit."""

    situation: Situation
    found: tuple[Standing, ...]
    moves: Moves
    layers: list[Layer]
    fits: list[Any]

    @staticmethod
    def of(situation: Situation, found: tuple[Standing, ...], moves: Moves) -> "_Choice":
        effort = Effort(width=max(situation.max_parallel, 1))
        layers = search(moves, channel(situation, found), situation.tradeoff, effort)
        money, seconds, calls = (
            math.inf if limit is None else float(limit)
            for limit in (situation.nanodollars_left, situation.seconds_left, situation.calls_left)
        )
        return _Choice(situation, found, moves, layers, fitting(layers, money, seconds, calls))

    def decide(self) -> Wave | Stop:
        best = self._best(self.fits)
        if best is not None and (best[0] > 0.0 or not self.found):
            return self._wave(*best)
        if not self.found:
            return self._quickest()
        return self._stop(best)

    def _best(self, allowed: Sequence[Any]) -> tuple[float, int, int] | None:
        """(value, layer, plan) of the most valuable allowed plan; the shortest among equals."""
        best: tuple[float, int, int] | None = None
        for depth, (layer, mask) in enumerate(zip(self.layers, allowed, strict=True)):
            value = np.where(mask, layer.value(self.situation.tradeoff), -np.inf)
            plan = int(np.argmax(value)) if len(value) else -1
            if plan >= 0 and value[plan] > -np.inf and (best is None or value[plan] > best[0] + 1e-12):
                best = (float(value[plan]), depth, plan)
        return best

    def _wave(self, value: float, depth: int, plan: int) -> Wave:
        waves = self.layers[depth].waves(plan)
        rows = self.layers[depth].rows[:, plan]
        reason = (
            f"wave {self.situation.wave + 1} of up to {self.situation.wave + len(waves)}: success "
            f"{rows[Row.SUCCESS]:.3f} for ${rows[Row.USD]:.6f} and {rows[Row.SECONDS]:.2f} s expected"
        )
        actions = tuple(self.moves.planned[move] for move in waves[0])
        return Wave(actions, value, reason, self._alternatives())

    def _quickest(self) -> Wave | Stop:
        """Nothing fits the deadline and there is no candidate: the quickest that fits money and calls."""
        layer = self.layers[0]
        money = math.inf if self.situation.nanodollars_left is None else self.situation.nanodollars_left
        calls = math.inf if self.situation.calls_left is None else self.situation.calls_left
        fits = fitting([layer], float(money), math.inf, float(calls))[0]
        if not fits.any() or (self.situation.seconds_left is not None and self.situation.seconds_left <= 0.0):
            return self._stop(None)
        plan = int(np.argmin(np.where(fits, layer.rows[Row.OPEN_SECONDS], np.inf)))
        wave = self._wave(float(layer.value(self.situation.tradeoff)[plan]), 0, plan)
        return Wave(wave.actions, wave.value, "nothing fits the deadline: the quickest that might", wave.alternatives)

    def _stop(self, best: tuple[float, int, int] | None) -> Stop:
        anything = [np.ones(layer.rows.shape[1], dtype=bool) for layer in self.layers]
        wished = self._best(anything)
        if wished is None or (wished[0] <= 0.0 and self.found):
            return Stop(FinishReason.NO_IMPROVEMENT_EXPECTED, _hopeless(wished), self._alternatives())
        rows = self.layers[wished[1]].rows[:, wished[2]]
        left = self.situation.seconds_left
        late = left is not None and rows[Row.NEED_SECONDS] > left
        reason = FinishReason.DEADLINE if late else FinishReason.BUDGET_EXHAUSTED
        return Stop(reason, "what would be worth it does not fit what is left", self._alternatives())

    def _alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Each single move with its value, best first."""
        layer, fits = self.layers[0], self.fits[0]
        values = layer.value(self.situation.tradeoff)
        order = sorted(range(len(values)), key=lambda plan: (-values[plan], plan))
        return tuple(self._alternative(plan, float(values[plan]), bool(fits[plan])) for plan in order)

    def _alternative(self, plan: int, value: float, fits: bool) -> Mapping[str, Any]:
        rows = self.layers[0].rows[:, plan]
        planned = self.moves.planned[self.layers[0].move[plan]]
        return {
            "action": planned.action.name,
            "parents": planned.parents,
            "value": value,
            "success": float(rows[Row.SUCCESS]),
            "usd": float(rows[Row.USD]),
            "seconds": float(rows[Row.SECONDS]),
            "usd_high": float(rows[Row.NEED_NANODOLLARS]) / NANODOLLARS_PER_USD,
            "seconds_high": float(rows[Row.NEED_SECONDS]),
            "fits": fits,
        }


def _hopeless(wished: tuple[float, int, int] | None) -> str:
    return "no action is worth its cost" + (f" (best value {wished[0]:.4f})" if wished else "")


def channel(situation: Situation, found: Sequence[Standing]) -> Channel:
    """What the checks of this task tell, an independent second opinion on each pass included where one is on offer."""
    check, second = situation.verification, situation.confirmation
    baseline = found[0].worth if found else 0.0
    credit = max((standing.worth for standing in found), default=0.0)
    if second is None or check.false_pass <= 0.0:
        return Channel(check.true_pass, check.false_pass, 0.0, baseline, credit)
    judge = second.verification
    return Channel(check.true_pass * judge.true_pass, check.false_pass * judge.false_pass, judge.usd, baseline, credit)


def frontier(situation: Situation, tradeoffs: Sequence[Tradeoff]) -> tuple[Mapping[str, float], ...]:
    """What is expected at each tradeoff within the limits: success, dollars and seconds. For a dry run."""
    found = standings(situation)
    moves = build_moves(situation, found)
    points = []
    for tradeoff in tradeoffs:
        layers = search(moves, channel(situation, found), tradeoff, Effort(width=max(situation.max_parallel, 1)))
        money, seconds, calls = (
            math.inf if limit is None else float(limit)
            for limit in (situation.nanodollars_left, situation.seconds_left, situation.calls_left)
        )
        points.append(_point(layers, fitting(layers, money, seconds, calls), tradeoff))
    return tuple(points)


def _point(layers: Sequence[Layer], fits: Sequence[Any], tradeoff: Tradeoff) -> Mapping[str, float]:
    best, rows = 0.0, np.zeros(len(Row))
    for layer, mask in zip(layers, fits, strict=True):
        value = np.where(mask, layer.value(tradeoff), -np.inf)
        if len(value) and value.max() > best:
            best, rows = float(value.max()), layer.rows[:, int(np.argmax(value))]
    return {
        "usd_value": tradeoff.usd,
        "seconds_value": tradeoff.seconds,
        "success": float(rows[Row.SUCCESS]),
        "usd": float(rows[Row.USD]),
        "seconds": float(rows[Row.SECONDS]),
        "value": best,
    }
