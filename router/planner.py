"""The planner: the best next wave, or the right moment to stop. Pure and deterministic; see docs/planner.md.

The value of an answer is P(all requirements satisfied) plus a small credit for a graded score. A wave is worth the
expected value of the best answer it leads to, minus what its money and time are worth (`Tradeoff`). Hard limits hold
whatever the estimates say: the 0.9 quantile of the wave's cost fits the money left, that of its duration the time left,
and its calls the calls left.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from router.planning.choice import consider
from router.planning.moves import build_moves
from router.planning.poll_choice import PollChoice
from router.planning.second import confirming_wave
from router.planning.situation import Coincidence, Confirmation, Situation, Stop, Tradeoff, Verification
from router.planning.standing import Standing, standings
from router.task import Candidate, FinishReason, Wave

__all__ = [
    "Coincidence",
    "Confirmation",
    "Situation",
    "Stop",
    "Tradeoff",
    "Verification",
    "best_candidate",
    "frontier",
    "plan_wave",
]

UNKNOWN_COST = Stop(FinishReason.UPSTREAM_UNAVAILABLE, "no action on offer has a known cost")


def best_candidate(situation: Situation) -> Candidate | None:
    """The candidate to return if the run ends now, or None if there is none."""
    found = standings(situation)
    return found[0].candidate if found else None


def plan_wave(situation: Situation) -> Wave | Stop:
    """The best next wave, or why to stop. Never plans beyond money, calls or deadline; same input, same plan."""
    found = standings(situation)
    good = _good_enough(situation, found)
    if good is not None:
        return confirming_wave(situation, found, 0.0) or good
    return _poll(situation, found) if situation.is_poll else _checked(situation, found)


def _good_enough(situation: Situation, found: Sequence[Standing]) -> Stop | None:
    if not found:
        return None
    best = found[0]
    if best.passed and best.chance >= situation.quality_threshold:
        return Stop(FinishReason.ALL_SATISFIED, f"all requirements hold with chance {best.chance:.3f}")
    # A judge's full score is worth no more than the chance that the judge is right.
    if (best.chance if best.passed else max(best.chance, best.score)) >= situation.quality_threshold:
        return Stop(FinishReason.QUALITY_REACHED, f"score {best.score:.3f}, chance {best.chance:.3f}")
    return None


def _checked(situation: Situation, found: Sequence[Standing]) -> Wave | Stop:
    """Answers are checked: another answer, a fix, or a second opinion, whatever is worth most."""
    choice = consider(situation, found)
    if not choice.moves.planned:
        return UNKNOWN_COST
    confirming = confirming_wave(situation, found, choice.value)
    if confirming is None:
        return choice.decide()
    return replace(confirming, alternatives=confirming.alternatives + choice.alternatives())


def _poll(situation: Situation, found: Sequence[Standing]) -> Wave | Stop:
    """Nothing is checked: opinions if they can be compared, else one answer and no more."""
    moves = build_moves(situation, tuple(found))
    if not moves.planned:
        return UNKNOWN_COST
    if situation.compares and all(answer is not None for answer in situation.answers[:1]):
        decision = PollChoice.of(situation, moves).decide()
        if decision is not None:
            return decision
    elif found:
        return Stop(FinishReason.UNVALIDATED, "nothing is required and answers cannot be compared")
    return consider(situation, found).decide()


def frontier(situation: Situation, tradeoffs: Sequence[Tradeoff]) -> tuple[Mapping[str, float], ...]:
    """What is expected at each tradeoff within the limits: success, dollars and seconds. For a dry run."""
    found = standings(situation)
    return tuple(_point(replace(situation, tradeoff=tradeoff), found) for tradeoff in tradeoffs)


def _point(situation: Situation, found: Sequence[Standing]) -> Mapping[str, float]:
    point = consider(situation, found).expected()
    return {"usd_value": situation.tradeoff.usd, "seconds_value": situation.tradeoff.seconds, **point}
