"""The planner: the best next wave, or the right moment to stop. Pure and deterministic; see docs/planner.md.

The value of an answer is P(all requirements satisfied) plus a small credit for a graded score. A wave is worth the
expected value of the best answer it leads to, minus what its money and time are worth (`Tradeoff`). Hard limits hold
whatever the estimates say: the 0.9 quantile of the wave's cost fits the money left, that of its duration the time left,
and its calls the calls left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from router.planning.choice import Choice, channel
from router.planning.moves import Moves, build_moves
from router.planning.poll_choice import PollChoice
from router.planning.search import Channel
from router.planning.second import confirming_wave
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
    return _poll(situation, moves, found) if situation.is_poll else _checked(situation, moves, found)


def _good_enough(situation: Situation, found: Sequence[Standing]) -> Stop | None:
    if not found:
        return None
    best = found[0]
    if best.passed and best.chance >= situation.quality_threshold:
        return Stop(FinishReason.ALL_SATISFIED, f"all requirements hold with chance {best.chance:.3f}")
    if max(best.chance, best.score) >= situation.quality_threshold:
        return Stop(FinishReason.QUALITY_REACHED, f"score {best.score:.3f}, chance {best.chance:.3f}")
    return None


def _checked(situation: Situation, moves: Moves, found: Sequence[Standing]) -> Wave | Stop:
    """Answers are checked: another answer, a fix, or a second opinion, whatever is worth most."""
    choice = Choice.of(situation, moves, channel(situation, found), bool(found))
    confirming = confirming_wave(situation, found, choice.value)
    if confirming is None:
        return choice.decide()
    return replace(confirming, alternatives=confirming.alternatives + choice.alternatives())


def _poll(situation: Situation, moves: Moves, found: Sequence[Standing]) -> Wave | Stop:
    """Nothing is checked: opinions if they can be compared, else one answer and no more."""
    if situation.compares and all(answer is not None for answer in situation.answers[:1]):
        decision = PollChoice.of(situation, moves).decide()
        if decision is not None:
            return decision
    elif found:
        return Stop(FinishReason.UNVALIDATED, "nothing is required and answers cannot be compared")
    return Choice.of(situation, moves, channel(situation, found), bool(found)).decide()


def frontier(situation: Situation, tradeoffs: Sequence[Tradeoff]) -> tuple[Mapping[str, float], ...]:
    """What is expected at each tradeoff within the limits: success, dollars and seconds. For a dry run."""
    found = standings(situation)
    moves = build_moves(situation, found)
    seen = channel(situation, found)
    return tuple(_point(replace(situation, tradeoff=tradeoff), moves, found, seen) for tradeoff in tradeoffs)


def _point(situation: Situation, moves: Moves, found: Sequence[Standing], seen: Channel) -> Mapping[str, float]:
    point = Choice.of(situation, moves, seen, bool(found)).expected()
    return {"usd_value": situation.tradeoff.usd, "seconds_value": situation.tradeoff.seconds, **point}
