"""Is an independent judge's opinion on the best candidate worth its cost? An action like others."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from action_model.belief import Estimate, Evidence
from router.planning.choice import Choice, channel, if_told
from router.planning.limits import Limits
from router.planning.moves import build_moves
from router.planning.situation import Confirmation, Situation
from router.planning.standing import Standing
from router.task import PlannedAction, Wave


@dataclass(frozen=True, slots=True)
class Opinion:
    """What asking is worth: `value` above the best candidate, and the chance that the judge passes it."""

    value: float
    passing: float


def confirming_wave(situation: Situation, found: Sequence[Standing], value: float) -> Wave | None:
    """A wave that asks about the best candidate, if that beats `value`, what the best other wave is worth."""
    second = situation.confirmation
    if second is None or not found or not found[0].passed or found[0].candidate.id in situation.confirmed:
        return None
    best = found[0]
    if not (0.0 < best.chance < 1.0) or not _fits(situation, second):
        return None
    opinion = _worth(situation, found, second, max(value, 0.0))
    if opinion is None or opinion.value <= max(value, 0.0):
        return None
    reason = f"a second opinion on an answer that holds with chance {best.chance:.3f}: passes {opinion.passing:.3f}"
    return Wave((_planned(second, best),), opinion.value, reason, (_explained(second, best, opinion),))


def _worth(situation: Situation, found: Sequence[Standing], second: Confirmation, least: float) -> Opinion | None:
    """E(value of the best answer once the judge has spoken, going on if it refuses) - cost - value now. None where it
    is at most `least` even if going on always brings a right answer for nothing."""
    judge, best = second.verification, found[0]
    passing = best.chance * judge.true_pass + (1.0 - best.chance) * judge.false_pass
    held = best.chance * judge.true_pass / max(passing, 1e-12)
    price = situation.tradeoff.usd * judge.usd + situation.tradeoff.seconds * judge.seconds
    if passing * held + (1.0 - passing) - price - best.worth <= least:
        return None
    doubted = best.chance * (1.0 - judge.true_pass) / max(1.0 - passing, 1e-12)
    refused = Evidence(1.0 - judge.true_pass, 1.0 - judge.false_pass)
    after = replace(situation, belief=if_told(situation, best, refused))
    fallback = max([doubted, *(standing.worth for standing in found[1:])])
    others = tuple(standing for standing in found if standing is not best)
    going_on = Choice.of(
        after, build_moves(after, others), replace(channel(after, found), baseline=fallback, credit=fallback), True
    )
    value = passing * held + (1.0 - passing) * (fallback + going_on.value) - price - best.worth
    return Opinion(value if math.isfinite(value) else -math.inf, passing)


def _fits(situation: Situation, second: Confirmation) -> bool:
    judge, left = second.verification, Limits.of(situation)
    known = all(math.isfinite(x) and x >= 0.0 for x in (judge.usd, judge.usd_high, judge.seconds, judge.seconds_high))
    money = math.ceil(max(judge.usd, judge.usd_high) * 1e9 - 1e-6) if known else math.inf
    return (
        known
        and money <= left.nanodollars
        and max(judge.seconds, judge.seconds_high) <= left.seconds
        and max(judge.calls, 1) <= left.calls
    )


def _planned(second: Confirmation, best: Standing) -> PlannedAction:
    judge = second.verification
    estimate = Estimate(
        action=second.action,
        success=best.chance,
        score=best.score,
        input_tokens=0.0,
        output_tokens=0.0,
        output_tokens_high=0.0,
        usd=judge.usd,
        usd_high=max(judge.usd, judge.usd_high),
        seconds=judge.seconds,
        seconds_high=max(judge.seconds, judge.seconds_high),
        uncertainty=0.0,
    )
    return PlannedAction(second.action, estimate, (best.candidate.id,))


def _explained(second: Confirmation, best: Standing, opinion: Opinion) -> Mapping[str, Any]:
    return {
        "action": second.action.name,
        "parents": (best.candidate.id,),
        "value": opinion.value,
        "success": best.chance,
        "usd": second.verification.usd,
        "seconds": second.verification.seconds,
    }
