"""The best next wave of a task whose answers are checked: the first wave of the most valuable plan that fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from action_model.belief import Belief, Evidence
from action_model.prices import NANODOLLARS_PER_USD
from router.learning import FAILED as WRONG
from router.learning import revised
from router.planning.limits import Limits, Mask
from router.planning.moves import Moves, build_moves
from router.planning.particles import Floats
from router.planning.plans import Layer, Row
from router.planning.search import LONGEST, Channel, Effort, scarce_prices, search
from router.planning.situation import Situation, Stop, Tradeoff
from router.planning.standing import Standing, evidence_of
from router.task import FinishReason, Wave


def channel(situation: Situation, found: Sequence[Standing]) -> Channel:
    """What the checks of this task tell, an independent second opinion on each pass included where one is on offer."""
    check, second = situation.verification, situation.confirmation
    baseline = found[0].worth if found else 0.0
    if second is None or check.false_pass <= 0.0:
        return Channel(check.true_pass, check.false_pass, 0.0, baseline, baseline)
    judge = second.verification
    return Channel(
        check.true_pass * judge.true_pass, check.false_pass * judge.false_pass, judge.usd, baseline, baseline
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A plan: its value above the best candidate, its layer, its place in it."""

    value: float
    layer: Layer
    plan: int


@dataclass(frozen=True)
class Choice:
    """The plans that were found: `wished`, the best of all, and `best`, the best of those that fit. They are valued on
    the mass `doubt` where the best candidate is wrong; where it is right there is nothing to gain."""

    situation: Situation
    has_candidate: bool
    moves: Moves
    layers: list[Layer]
    limits: Limits
    wished: Found | None
    best: Found | None
    doubt: float = 1.0

    @staticmethod
    def of(situation: Situation, moves: Moves, seen: Channel, has_candidate: bool) -> "Choice":
        """Searches; once more, for plans that need less, where the best does not fit. `seen` is what checks tell."""
        limits, tradeoff = Limits.of(situation), situation.tradeoff
        unseen = situation.is_poll and not situation.verification.calls
        width = max(situation.max_parallel, 1)
        effort = Effort(width=1, depth=1) if unseen else Effort(width=width, depth=limits.longest(moves, LONGEST))
        layers = search(moves, seen, tradeoff, effort)
        best = wished = _best(layers)
        if wished is not None and not limits.fits(wished.layer.rows[:, wished.plan]):
            layers += [] if unseen else search(moves, seen, tradeoff, effort, scarce_prices(moves, tradeoff))
            best = _best(layers, [limits.fits(layer.rows) for layer in layers], wished.value)
        return Choice(situation, has_candidate, moves, layers, limits, wished, best)

    @property
    def stops(self) -> bool:
        """Is stopping as good as the best plan that fits, or is there none?"""
        return self.best is None or (self.best.value <= 0.0 and self.has_candidate)

    @property
    def value(self) -> float:
        """What going on is worth above the best candidate; 0 if stopping is better."""
        return self.doubt * max(self.best.value, 0.0) if self.best else 0.0

    def expected(self) -> Mapping[str, float]:
        """What the best plan is expected to bring and to cost; all zero if stopping is better."""
        if self.best is None or self.stops:
            return dict.fromkeys(("success", "usd", "seconds", "value"), 0.0)
        rows = self.best.layer.rows[:, self.best.plan].tolist()
        paid = {"usd": rows[Row.USD], "seconds": rows[Row.SECONDS]}
        return {"success": self.doubt * rows[Row.SUCCESS], **paid, "value": self.doubt * self.best.value}

    def decide(self) -> Wave | Stop:
        """The wave, or why there is none."""
        if self.best is not None and not self.stops:
            return self._wave(self.best)
        return self._stop() if self.has_candidate else self._quickest()

    def _wave(self, found: Found) -> Wave:
        waves, rows = found.layer.waves(found.plan), found.layer.rows[:, found.plan].tolist()
        reason = (
            f"wave {self.situation.wave + 1} of up to {self.situation.wave + len(waves)}: success "
            f"{self.doubt * rows[Row.SUCCESS]:.3f} for ${rows[Row.USD]:.6f} and {rows[Row.SECONDS]:.2f} s expected"
        )
        actions = tuple(self.moves.planned[move] for move in waves[0])
        return Wave(actions, self.doubt * found.value, reason, self.alternatives())

    def _quickest(self) -> Wave | Stop:
        """Nothing fits the deadline and there is no candidate: the quickest that fits money and calls."""
        layer = self.layers[0]
        fits = self.limits.affords(layer.rows)
        if not fits.any() or self.limits.seconds <= 0.0:
            return self._stop()
        plan = int(np.argmin(np.where(fits, layer.rows[Row.OPEN_SECONDS], np.inf)))
        wave = self._wave(Found(float(layer.values[plan]), layer, plan))
        return Wave(wave.actions, wave.value, "nothing fits the deadline: the quickest that might", wave.alternatives)

    def _stop(self) -> Stop:
        """Not worth it if nothing would be worth it without limits; else the limit that is in the way."""
        if self.wished is None or (self.wished.value <= 0.0 and self.has_candidate):
            best = f" (best value {self.doubt * self.wished.value:.4f})" if self.wished else ""
            why = f"no action is worth its cost{best}"
            return Stop(FinishReason.NO_IMPROVEMENT_EXPECTED, why, self.alternatives())
        late = any(bool(np.any((layer.values > 0.0) & self.limits.affords(layer.rows))) for layer in self.layers)
        reason = FinishReason.DEADLINE if late else FinishReason.BUDGET_EXHAUSTED
        return Stop(reason, "what would be worth it does not fit what is left", self.alternatives())

    def alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Each single move with its value, best first."""
        layer = self.layers[0]
        fits, values = self.limits.fits(layer.rows).tolist(), layer.values.tolist()
        order = sorted(range(len(values)), key=lambda plan: (-values[plan], plan))
        return tuple(self._alternative(plan, values[plan], fits[plan]) for plan in order)

    def _alternative(self, plan: int, value: float, fits: bool) -> Mapping[str, Any]:
        rows = self.layers[0].rows[:, plan].tolist()
        planned = self.moves.planned[plan]
        return {
            "action": planned.action.name,
            "parents": planned.parents,
            "value": self.doubt * value,
            "success": self.doubt * rows[Row.SUCCESS],
            "usd": rows[Row.USD],
            "seconds": rows[Row.SECONDS],
            "usd_high": rows[Row.NEED_NANODOLLARS] / NANODOLLARS_PER_USD,
            "seconds_high": rows[Row.NEED_SECONDS],
            "fits": fits,
        }


def _best(layers: Sequence[Layer], masks: Sequence[Mask] | None = None, most: float = np.inf) -> Found | None:
    """The most valuable plan, of those of `masks`; the first among equals.

    No plan counts that is worth more than `most`, the best that was found before anything was scarce: so that less to
    spend is never worth more, by the luck of a search at other prices.
    """
    best: Found | None = None
    for place, layer in enumerate(layers):
        allowed = layer.values
        if masks is not None:
            allowed = np.where(masks[place] & (allowed <= most + 1e-12), allowed, -np.inf)
        plan = int(np.argmax(allowed))
        value = float(allowed[plan])
        if value > -np.inf and (best is None or value > best.value + 1e-12):
            best = Found(value, layer, plan)
    return best


def consider(situation: Situation, found: Sequence[Standing]) -> Choice:
    """The choice in a checked task. A new answer helps only where the best candidate is wrong.

    Under that condition the belief knows that its action failed, so that a repeat of what passed by mistake is no hope;
    the price counts in full, so it is scaled up to the mass that can gain.
    """
    best = found[0] if found else None
    if best is None or situation.is_poll or not 0.0 < best.chance < 1.0:
        return Choice.of(situation, build_moves(situation, tuple(found)), channel(situation, found), bool(found))
    doubt = 1.0 - best.chance
    tradeoff = Tradeoff(situation.tradeoff.usd / doubt, situation.tradeoff.seconds / doubt)
    wrong = replace(situation, tradeoff=tradeoff, belief=if_told(situation, best, WRONG))
    seen = replace(channel(situation, found), baseline=best.worth_if_wrong, credit=best.worth_if_wrong)
    moves = build_moves(wrong, tuple(found))
    useful = outranking(situation, moves, seen, best.chance)
    return replace(Choice.of(wrong, replace(moves, chance=moves.chance * useful), seen, True), doubt=doubt)


def outranking(situation: Situation, moves: Moves, seen: Channel, chance: float) -> Floats:
    """(K,): 1 for a move whose answer, if it passes, is likelier right than the best candidate; no other is chosen."""
    means = np.clip(np.nan_to_num(situation.belief.means())[moves.index], 0.0, 1.0)
    is_repair = np.array([bool(planned.parents) for planned in moves.planned], dtype=bool)
    means = np.where(is_repair, moves.weights @ moves.chance, means)
    right, wrong = means * seen.true_pass, (1.0 - means) * seen.false_pass
    is_useful: Floats = (right > chance * (right + wrong)).astype(float)
    return is_useful


def if_told(situation: Situation, standing: Standing, evidence: Evidence) -> Belief:
    """The belief if one more word on a candidate came in."""
    actions = [estimate.action for estimate in situation.belief.estimates]
    candidate = standing.candidate
    if candidate.action not in actions:
        return situation.belief
    first = situation.evidence.get(candidate.id) or evidence_of(candidate.verdicts)
    return revised(situation.belief, actions.index(candidate.action), first, evidence)
