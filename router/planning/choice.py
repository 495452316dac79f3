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
from router.planning.search import Channel, Effort, Layer, Row, search
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


@dataclass(frozen=True)
class Choice:
    """The plans that were found, and which of them fit. They are valued on the mass `doubt` where the best candidate
    is wrong; where it is right there is nothing to gain."""

    situation: Situation
    has_candidate: bool
    moves: Moves
    layers: list[Layer]
    limits: Limits
    doubt: float = 1.0

    @staticmethod
    def of(situation: Situation, moves: Moves, seen: Channel, has_candidate: bool) -> "Choice":
        """Searches. `seen` is what the checks tell."""
        width = max(situation.max_parallel, 1)
        unseen = situation.is_poll and not situation.verification.calls
        effort = Effort(width=1, depth=1) if unseen else Effort(width=width)
        layers = search(moves, seen, situation.tradeoff, effort)
        return Choice(situation, has_candidate, moves, layers, Limits.of(situation))

    @property
    def value(self) -> float:
        """What going on is worth above the best candidate; 0 if stopping is better."""
        best = self._best(self.limits.fitting(self.layers))
        return self.doubt * max(best[0], 0.0) if best else 0.0

    def expected(self) -> Mapping[str, float]:
        """What the best plan is expected to bring and to cost; all zero if stopping is better."""
        best = self._best(self.limits.fitting(self.layers))
        rows = self.layers[best[1]].rows[:, best[2]] if best else np.zeros(len(Row))
        names = {"success": Row.SUCCESS, "usd": Row.USD, "seconds": Row.SECONDS}
        stops = best is None or (best[0] <= 0.0 and self.has_candidate)
        point = {name: 0.0 if stops else float(rows[row]) for name, row in names.items()}
        point["success"] *= self.doubt
        return {**point, "value": 0.0 if stops or best is None else self.doubt * best[0]}

    def decide(self) -> Wave | Stop:
        """The wave, or why there is none."""
        best = self._best(self.limits.fitting(self.layers))
        if best is not None and (best[0] > 0.0 or not self.has_candidate):
            return self._wave(*best)
        return self._stop() if self.has_candidate else self._quickest()

    def _best(self, allowed: Sequence[Mask]) -> tuple[float, int, int] | None:
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
            f"{self.doubt * rows[Row.SUCCESS]:.3f} for ${rows[Row.USD]:.6f} and {rows[Row.SECONDS]:.2f} s expected"
        )
        actions = tuple(self.moves.planned[move] for move in waves[0])
        return Wave(actions, self.doubt * value, reason, self.alternatives())

    def _quickest(self) -> Wave | Stop:
        """Nothing fits the deadline and there is no candidate: the quickest that fits money and calls."""
        layer = self.layers[0]
        fits = self.limits.affords(layer)
        if not fits.any() or self.limits.seconds <= 0.0:
            return self._stop()
        plan = int(np.argmin(np.where(fits, layer.rows[Row.OPEN_SECONDS], np.inf)))
        wave = self._wave(float(layer.value(self.situation.tradeoff)[plan]), 0, plan)
        return Wave(wave.actions, wave.value, "nothing fits the deadline: the quickest that might", wave.alternatives)

    def _stop(self) -> Stop:
        """Not worth it if nothing would be worth it without limits; else the limit that is in the way."""
        wished = self._best([np.ones(layer.rows.shape[1], dtype=bool) for layer in self.layers])
        if wished is None or (wished[0] <= 0.0 and self.has_candidate):
            best = f" (best value {self.doubt * wished[0]:.4f})" if wished else ""
            why = f"no action is worth its cost{best}"
            return Stop(FinishReason.NO_IMPROVEMENT_EXPECTED, why, self.alternatives())
        worthy = [layer.value(self.situation.tradeoff) > 0.0 for layer in self.layers]
        affordable = [self.limits.affords(layer) for layer in self.layers]
        late = any(bool(np.any(w & a)) for w, a in zip(worthy, affordable, strict=True))
        reason = FinishReason.DEADLINE if late else FinishReason.BUDGET_EXHAUSTED
        return Stop(reason, "what would be worth it does not fit what is left", self.alternatives())

    def alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Each single move with its value, best first."""
        layer = self.layers[0]
        fits, values = self.limits.fits(layer), layer.value(self.situation.tradeoff)
        order = sorted(range(len(values)), key=lambda plan: (-values[plan], plan))
        return tuple(self._alternative(plan, float(values[plan]), bool(fits[plan])) for plan in order)

    def _alternative(self, plan: int, value: float, fits: bool) -> Mapping[str, Any]:
        rows = self.layers[0].rows[:, plan].tolist()
        planned = self.moves.planned[self.layers[0].move[plan]]
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
