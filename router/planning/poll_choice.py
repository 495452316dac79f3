"""The best next wave of a task without requirements: whose opinion to ask for next, or that enough have spoken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.planning.limits import Limits
from router.planning.moves import MAX_REPEATS, Moves
from router.planning.opinions import Count, Poll, coincidences, count_opinions
from router.planning.particles import Floats
from router.planning.polling import Depth, Panel, values, wave_value
from router.planning.situation import Situation, Stop
from router.task import FinishReason, Wave


@dataclass(frozen=True)
class PollChoice:
    """The value of each opinion (`asked`, above stopping now), and which fit the limits."""

    situation: Situation
    moves: Moves
    count: Count
    panel: Panel
    depth: Depth
    asked: Floats
    fits: NDArray[np.bool_]

    @staticmethod
    def of(situation: Situation, moves: Moves) -> "PollChoice":
        """Searches among the moves that start from nothing."""
        moves = moves.take(np.array([i for i, p in enumerate(moves.planned) if not p.parents], dtype=np.intp))
        tradeoff = situation.tradeoff
        panel = Panel(
            np.clip(moves.chance, 1e-4, 1.0 - 1e-4),
            tradeoff.usd * moves.usd + tradeoff.seconds * moves.seconds,
            1.0 / (1.0 + moves.familiarity),
            coincidences(situation.coincidence, len(moves.weights)),
        )
        count, limits = count_opinions(situation), Limits.of(situation)
        spoken = count.spoken[moves.index]
        depth = Depth(opinions=_opinions_left(moves, limits))
        asked = values(count.poll, panel, spoken, depth) - count.poll.best()[0] if moves.planned else np.zeros(0)
        fits = (
            (moves.nanodollars_high <= limits.nanodollars)
            & (moves.seconds_high <= limits.seconds)
            & (moves.calls <= limits.calls)
            & (spoken < MAX_REPEATS)
        )
        return PollChoice(situation, moves, count, panel, depth, asked, fits)

    def decide(self) -> Wave | Stop | None:
        """The wave, or why there is none; None if nothing has been said and nothing fits."""
        started = bool(self.situation.candidates)
        fitting = np.where(self.fits, self.asked, -np.inf)
        best = int(np.argmax(fitting)) if len(fitting) else -1
        if best >= 0 and self.fits[best] and (fitting[best] > 0.0 or not started):
            return self._wave(best, float(fitting[best]))
        if not started:
            return None
        worth_it = bool(np.any(self.asked > 0.0))
        reason = FinishReason.BUDGET_EXHAUSTED if worth_it else FinishReason.NO_IMPROVEMENT_EXPECTED
        if worth_it and Limits.of(self.situation).seconds < float(np.max(self.moves.seconds_high)):
            reason = FinishReason.DEADLINE
        return Stop(reason, "no further opinion is worth its cost within what is left", self._alternatives())

    def _wave(self, first: int, value: float) -> Wave:
        """The best opinion, and every other whose asking at once is worth more than waiting for the first."""
        wave, value = self._widened((first,), value)
        actions = tuple(self.moves.planned[move] for move in wave)
        reason = f"opinion {len(self.situation.candidates) + 1}: right with chance {self._chance(first):.3f}"
        return Wave(actions, value, reason, self._alternatives())

    def _widened(self, wave: tuple[int, ...], value: float) -> tuple[tuple[int, ...], float]:
        limits = Limits.of(self.situation)
        while len(wave) < min(self.situation.max_parallel, self.depth.opinions):
            options = [(self._at_once((*wave, move)), move) for move in self._joining(wave, limits)]
            best = max(options, key=lambda option: (option[0], -option[1]), default=None)
            if best is None or best[0] <= value + 1e-9:
                break
            wave, value = (*wave, best[1]), best[0]
        return wave, value

    def _joining(self, wave: tuple[int, ...], limits: Limits) -> list[int]:
        """The likeliest moves that fit beside the wave."""
        members = list(wave)
        money = self.moves.nanodollars_high[members].sum() + self.moves.nanodollars_high
        calls = self.moves.calls[members].sum() + self.moves.calls
        fits = self.fits & (money <= limits.nanodollars) & (calls <= limits.calls)
        fits[members] = False
        ranked = sorted(np.flatnonzero(fits).tolist(), key=lambda move: (-self.asked[move], move))
        return [int(move) for move in ranked[:6]]

    def _at_once(self, wave: tuple[int, ...]) -> float:
        """The value of asking all of `wave` at once, above stopping now."""
        poll, tradeoff, members = self.count.poll, self.situation.tradeoff, list(wave)
        spoken = self.count.spoken[self.moves.index]
        price = tradeoff.usd * self.moves.usd[members].sum() + tradeoff.seconds * self.moves.seconds[members].max()
        gained = wave_value(poll, self.panel, spoken, wave, self.depth) - float(poll.best()[0])
        return float(gained - price)

    def _chance(self, move: int) -> float:
        return _likely(self.count.poll, self.panel.chances[:, move])

    def _alternatives(self) -> tuple[Mapping[str, Any], ...]:
        """Each opinion with its value, best first."""
        order = sorted(range(len(self.asked)), key=lambda move: (-self.asked[move], move))
        return tuple(
            {
                "action": self.moves.planned[move].action.name,
                "parents": (),
                "value": float(self.asked[move]),
                "success": self._chance(move),
                "usd": float(self.moves.usd[move]),
                "seconds": float(self.moves.seconds[move]),
                "usd_high": float(self.moves.nanodollars_high[move]) / 1e9,
                "seconds_high": float(self.moves.seconds_high[move]),
                "fits": bool(self.fits[move]),
            }
            for move in order
        )


def _likely(poll: Poll, chance: Floats) -> float:
    weights = poll.joint[0].sum(axis=1)
    return float(weights @ chance) / max(float(weights.sum()), 1e-300)


def _opinions_left(moves: Moves, limits: Limits) -> int:
    """How many opinions, one after the other, the limits can hold at the very most: 1 to 3."""
    if not moves.planned:
        return 1
    held = [
        limits.calls / max(float(moves.calls.min()), 1.0),
        limits.nanodollars / max(float(moves.nanodollars_high.min()), 1.0),
        limits.seconds / max(float(moves.seconds_high.min()), 1e-3),
    ]
    return int(max(min(3.0, *held), 1.0))
