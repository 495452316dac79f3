"""What the planner expected of each wave and what came of it; and when it stopped, against one who knows the table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from action_model.actions import Portfolio
from action_model.belief import Belief
from router.planner import Tradeoff
from router.planning.standing import Standing, standings
from router.task import FinishReason
from scripts.replay.beliefs import portfolio_of
from scripts.replay.planned import Game, Rules, games
from scripts.replay.tables import Table

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
NAMES = ("missed", "spent_in_vain", "detour")


@dataclass(frozen=True, slots=True)
class Step:
    """One wave: its number, the chance that the belief gave it, and whether a right answer came of it."""

    wave: int
    expected: float
    came: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """One task's end, next to one who knows which answers would be right and asks for the cheapest, or for nothing.

    `ending` is "right", "too early" (some answer was worth its price and calls were left), "out of calls" (the same
    without calls), "too late" (no answer on offer was right at a price worth paying, and yet money was spent). The
    losses, in satisfied tasks, add up to the value lost: `missed` (the right answer not asked for), `spent_in_vain`
    (money of a task that ended wrong), `detour` (money beyond the cheapest right answer's).
    """

    ending: str
    missed: float = 0.0
    spent_in_vain: float = 0.0
    detour: float = 0.0


def look_back(
    table: Table, beliefs: Sequence[Belief], portfolio: Portfolio, tradeoff: Tradeoff, rules: Rules
) -> tuple[list[Step], list[Ending]]:
    """Plays every prompt and keeps what was expected, what came, and how it ended."""
    steps, endings = list[Step](), list[Ending]()
    for game in games(table, beliefs, portfolio, tradeoff, rules):
        right, usd, _, calls = game.play()
        steps += [Step(number, expected, came) for number, (expected, came) in enumerate(game.steps, 1)]
        prices = table.usd[game.row][table.passed[game.row] > 0]
        cheapest = float(prices.min()) if len(prices) else np.inf
        endings.append(ending(bool(right), usd, int(calls) < rules.calls, cheapest, tradeoff.usd))
    return steps, endings


def ending(right: bool, usd: float, has_calls: bool, cheapest: float, worth: float) -> Ending:
    """How one task ended; `cheapest` right answer's dollars, infinity where there is none."""
    if right:
        return Ending("right", detour=worth * usd - min(worth * cheapest, 1.0))
    if worth * cheapest >= 1.0:
        return Ending("too late", spent_in_vain=worth * usd)
    return Ending("too early" if has_calls else "out of calls", 1.0 - worth * cheapest, worth * usd)


@dataclass(frozen=True, slots=True)
class Reached:
    """One task that stopped because its answer was good enough: the chance it was given, and is it right?"""

    chance: float
    is_right: bool


def thresholds(
    table: Table, beliefs: Sequence[Belief], tradeoff: Tradeoff, rules: Rules, qualities: Sequence[float]
) -> list[dict[str, Any]]:
    """For each quality threshold: how many tasks reached it, the chance predicted of their answers, and the actual
    share that is right. Honoured in expectation: the actual share is not below the threshold."""
    rows = []
    for quality in qualities:
        found = [
            Reached(standing.chance, game.right[standing.candidate.id])
            for game in games(table, beliefs, portfolio_of(table), tradeoff, replace(rules, quality=quality))
            if (standing := reached(game)) is not None
        ]
        right = np.array([one.is_right for one in found], dtype=float)
        rows.append(
            {
                "quality": quality,
                "tasks": table.count,
                "reached": len(found),
                "predicted": float(np.mean([one.chance for one in found])) if found else None,
                "actual": float(right.mean()) if found else None,
                "error": float(right.std() / len(found) ** 0.5) if found else None,
            }
        )
    return rows


def reached(game: Game) -> Standing | None:
    """Plays it; the answer that was good enough, None if the run stopped for another reason."""
    game.play()
    best = standings(game.situation)
    is_good = game.stop is not None and game.stop.reason in (FinishReason.ALL_SATISFIED, FinishReason.QUALITY_REACHED)
    return best[0] if best and is_good else None


def summary(steps: Sequence[Step], endings: Sequence[Ending]) -> dict[str, Any]:
    """Expected against actual, by wave and by bin; shares of endings; mean losses a task."""
    return {
        "tasks": len(endings),
        "waves": [
            told(f"{number}", [s for s in steps if s.wave == number]) for number in sorted({s.wave for s in steps})
        ],
        "bins": [
            told(f"{low:.1f} to {high:.1f}", inside)
            for low, high in pairwise(BINS)
            if (inside := [s for s in steps if low <= s.expected < high or (high == 1.0 == s.expected)])
        ],
        "endings": {name: sum(one.ending == name for one in endings) for name in sorted({e.ending for e in endings})},
        "losses": {name: float(np.mean([getattr(one, name) for one in endings])) for name in NAMES},
    }


def told(name: str, steps: Sequence[Step]) -> dict[str, Any]:
    """Mean of what was expected, and of what came, with its standard error."""
    came = np.array([step.came for step in steps], dtype=float)
    return {
        "name": name,
        "count": len(steps),
        "expected": float(np.mean([step.expected for step in steps])),
        "actual": float(came.mean()),
        "error": float(came.std() / max(len(came), 1) ** 0.5),
    }
