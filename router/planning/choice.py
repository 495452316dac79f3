"""The best next wave of a task whose answers are checked: the first wave of the most valuable plan that fits."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import structs
from msgspec.structs import replace

from action_model.belief import Belief, Evidence
from action_model.prices import NANODOLLARS_PER_USD
from router.learning import FAILED as WRONG
from router.learning import revised
from router.planning.limits import Limits
from router.planning.moves import Moves, build_moves
from router.planning.needs import Account, account, alone, needs_of
from router.planning.offered import Channel
from router.planning.particles import Floats
from router.planning.plans import Layer
from router.planning.search import LONGEST, Effort, scarce_prices, search
from router.planning.situation import Situation, Stop, Tradeoff
from router.planning.standing import Standing, evidence_of
from router.task import FinishReason, Wave

SAME = 1e-12
"""Values that differ by less are the same."""


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


class Found(msgspec.Struct, frozen=True):
    """A plan: its value above the best candidate, its layer, its place in it, and what it takes."""

    value: float
    layer: Layer
    plan: int
    account: Account


class Choice(msgspec.Struct, frozen=True):
    """The plans that were found: `wished`, the best of all, and `best`, the best of those that fit. They are valued on
    the mass `doubt` where the best candidate is wrong; where it is right there is nothing to gain."""

    situation: Situation
    has_candidate: bool
    moves: Moves
    seen: Channel
    layers: list[Layer]
    limits: Limits
    wished: Found | None
    best: Found | None
    doubt: float = 1.0

    @staticmethod
    def of(situation: Situation, moves: Moves, seen: Channel, has_candidate: bool, doubt: float = 1.0) -> "Choice":
        """Searches; once more, for plans that need less, where the best does not fit. `seen` is what checks tell."""
        limits, tradeoff = Limits.of(situation), situation.tradeoff
        unseen = situation.is_poll and not situation.verification.calls
        width = max(situation.max_parallel, 1)
        effort = Effort(width=1, depth=1) if unseen else Effort(width=width, depth=limits.longest(moves, LONGEST))
        layers = search(moves, seen, tradeoff, effort)
        best = wished = _told(_best([layer.losses[0] for layer in layers]), layers, moves, seen.usd_per_pass)
        if wished is not None and not limits.fit(wished.account):
            layers += [] if unseen else search(moves, seen, tradeoff, effort, scarce_prices(moves, tradeoff))
            best = _told(_best(_fitting(layers, moves, limits, wished.value)), layers, moves, seen.usd_per_pass)
        return Choice(situation, has_candidate, moves, seen, layers, limits, wished, best, doubt)

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
        told = self.best.account
        paid = {"usd": told.usd, "seconds": told.seconds}
        return {"success": self.doubt * told.success, **paid, "value": self.doubt * self.best.value}

    def decide(self) -> Wave | Stop:
        """The wave, or why there is none."""
        if self.best is not None and not self.stops:
            return self._wave(self.best)
        return self._stop() if self.has_candidate else self._quickest()

    def _wave(self, found: Found) -> Wave:
        waves, told = found.layer.waves(found.plan), found.account
        reason = (
            f"wave {self.situation.wave + 1} of up to {self.situation.wave + len(waves)}: success "
            f"{self.doubt * told.success:.3f} for ${told.usd:.6f} and {told.seconds:.2f} s expected"
        )
        actions = tuple(self.moves.planned[move] for move in waves[0])
        return Wave(actions, self.doubt * found.value, reason, self.alternatives())

    def _quickest(self) -> Wave | Stop:
        """Nothing fits the deadline and there is no candidate: the quickest that fits money and calls."""
        fits = self.limits.affords(needs_of(self.layers[:1], self.moves)[0])
        if not fits.any() or self.limits.seconds <= 0.0:
            return self._stop()
        plan = int(np.argmin(np.where(fits, self.moves.seconds, np.inf)))
        found = _told((-self.layers[0].losses.item(0, plan), 0, plan), self.layers, self.moves, self.seen.usd_per_pass)
        assert found is not None
        wave = self._wave(found)
        return Wave(wave.actions, wave.value, "nothing fits the deadline: the quickest that might", wave.alternatives)

    def _stop(self) -> Stop:
        """Not worth it if nothing would be worth it without limits; else the limit that is in the way."""
        if self.wished is None or (self.wished.value <= 0.0 and self.has_candidate):
            best = f" (best value {self.doubt * self.wished.value:.4f})" if self.wished else ""
            why = f"no action is worth its cost{best}"
            return Stop(FinishReason.NO_IMPROVEMENT_EXPECTED, why, self.alternatives())
        needed = zip(self.layers, needs_of(self.layers, self.moves), strict=True)
        late = any(bool(np.any((layer.losses[0] < 0.0) & self.limits.affords(needs))) for layer, needs in needed)
        reason = FinishReason.DEADLINE if late else FinishReason.BUDGET_EXHAUSTED
        return Stop(reason, "what would be worth it does not fit what is left", self.alternatives())

    def alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Each single move with its value, best first."""
        losses = self.layers[0].losses[0].tolist()
        order = sorted(range(len(losses)), key=lambda plan: (losses[plan], plan))
        return tuple(self._alternative(plan, -losses[plan]) for plan in order)

    def _alternative(self, move: int, value: float) -> Mapping[str, Any]:
        planned, told = self.moves.planned[move], alone(self.layers[0], move, self.moves, self.seen.usd_per_pass)
        return {
            "action": planned.action.name,
            "parents": planned.parents,
            "value": self.doubt * value,
            "success": self.doubt * told.success,
            "usd": told.usd,
            "seconds": told.seconds,
            "usd_high": told.nanodollars / NANODOLLARS_PER_USD,
            "seconds_high": told.seconds_high,
            "fits": self.limits.fit(told),
        }


def _told(
    best: tuple[float, int, int] | None, layers: Sequence[Layer], moves: Moves, usd_per_pass: float
) -> Found | None:
    """A plan (its value, the place of its layer, its own) with its account."""
    if best is None:
        return None
    value, place, plan = best
    return Found(value, layers[place], plan, account(layers[place], plan, moves, usd_per_pass))


def _best(losses: Sequence[Floats]) -> tuple[float, int, int] | None:
    """The most valuable plan of all layers: its value, its layer's place and its own; the first among equals."""
    best: tuple[float, int, int] | None = None
    for place, lost in enumerate(losses):
        plan = int(lost.argmin())
        value = -lost.item(plan)
        if value > -math.inf and (best is None or value > best[0] + SAME):
            best = (value, place, plan)
    return best


def _fitting(layers: Sequence[Layer], moves: Moves, limits: Limits, most: float) -> list[Floats]:
    """What the plans that fit lose, and infinity for the others.

    No plan counts that is worth more than `most`, the best that was found before anything was scarce: so that less to
    spend is never worth more, by the luck of a search at other prices.
    """
    told = zip((layer.losses[0] for layer in layers), needs_of(layers, moves), strict=True)
    return [np.where(limits.fits(needs) & (lost >= -most - SAME), lost, np.inf) for lost, needs in told]


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
    return Choice.of(wrong, structs.replace(moves, chance=moves.chance * useful), seen, True, doubt)


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
