"""What to start in the middle of a wave, while its other actions still run. Pure.

Waiting for the siblings may make a fix needless (one of them may satisfy); starting it now saves the time it takes.
"""

from collections.abc import Iterator, Sequence

from action_model.belief import Estimate, Repair
from action_model.prices import to_nanodollars
from router.planning.situation import Situation
from router.planning.standing import failed_kinds
from router.task import Candidate, PlannedAction

MIN_CHANCE = 0.05


def early_fix(situation: Situation, candidate: Candidate, running: Sequence[PlannedAction]) -> PlannedAction | None:
    """The fix of a failed candidate worth starting before its siblings end, or None. Never beyond what is left."""
    failed = [verdict for verdict in candidate.verdicts if verdict.score is not None and not verdict.passed]
    if not failed or not running or candidate.has_tool_calls:
        return None
    siblings = _chance(situation, running)
    wait = max(planned.estimate.seconds for planned in running) / 2.0
    found = [
        (_gain(situation, estimate, chance, siblings, wait), -i, estimate)
        for i, estimate, chance in _fixes(situation, candidate)
    ]
    gain, _, best = max(found, key=lambda item: item[:2], default=(0.0, 0, None))
    return PlannedAction(best.action, best, (candidate.id,)) if best is not None and gain > 0.0 else None


def _fixes(situation: Situation, candidate: Candidate) -> Iterator[tuple[int, Estimate, float]]:
    """Fixes that fit money, calls and time, with their chances."""
    verdicts = {verdict.requirement: verdict for verdict in candidate.verdicts}
    scores = [verdict.score for verdict in verdicts.values() if verdict.score is not None]
    count = max(len(situation.requirements), 1)
    repair = Repair(sum(scores) / count, failed_kinds(situation, verdicts), count, candidate.repair_count)
    for i, estimate in enumerate(situation.belief.estimates):
        if estimate.action.technique == "fix" and _fits(situation, estimate):
            chance = situation.fix_chance(i, repair)
            if chance >= MIN_CHANCE:
                yield i, estimate, chance


def _gain(situation: Situation, fix: Estimate, chance: float, siblings: float, wait: float) -> float:
    """Value of starting now over what waiting would be worth, both above doing nothing; 0 or less: wait."""
    price, hurry = situation.tradeoff.usd * fix.usd, situation.tradeoff.seconds * fix.seconds
    now = (1.0 - siblings) * chance - price
    can_wait = situation.seconds_left is None or wait + fix.seconds_high <= situation.seconds_left
    later = (1.0 - siblings) * max(chance - price - hurry, 0.0) if can_wait else 0.0
    return now - later if now > 0.0 else 0.0


def _chance(situation: Situation, running: Sequence[PlannedAction]) -> float:
    """P(one of the running actions satisfies the task)."""
    index = {estimate.action: i for i, estimate in enumerate(situation.belief.estimates)}
    known = [index[planned.action] for planned in running if planned.action in index]
    return situation.belief.success_of_set(known) if known else 0.0


def _fits(situation: Situation, estimate: Estimate) -> bool:
    check = situation.verification
    money, calls, seconds = situation.nanodollars_left, situation.calls_left, situation.seconds_left
    return (
        (money is None or to_nanodollars(estimate.usd_high + check.usd_high) <= money)
        and (calls is None or calls >= 1 + check.calls)
        and (seconds is None or estimate.seconds_high + check.seconds_high <= seconds)
    )
