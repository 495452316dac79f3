"""What is left of a run's budget, as numbers to compare with: infinity where there is no limit."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from router.planning.moves import Moves
from router.planning.needs import Account, Needs
from router.planning.situation import Situation

Mask = NDArray[np.bool_]


class Limits(msgspec.Struct, frozen=True):
    """Money, seconds and calls left."""

    nanodollars: float
    seconds: float
    calls: float

    @staticmethod
    def of(situation: Situation) -> "Limits":
        """A limit that is not a number allows nothing."""
        money, seconds, calls = (
            math.inf if limit is None else (-1.0 if math.isnan(limit) else float(limit))
            for limit in (situation.nanodollars_left, situation.seconds_left, situation.calls_left)
        )
        return Limits(money, seconds, calls)

    def fits(self, needs: Needs) -> Mask:
        """Which plans fit all limits at every moment."""
        fits: Mask = self.affords(needs) & (needs.seconds_high <= self.seconds)
        return fits

    def affords(self, needs: Needs) -> Mask:
        """Which plans fit money and calls, if not the deadline."""
        fits: Mask = (needs.nanodollars <= self.nanodollars) & (needs.calls <= self.calls)
        return fits

    def fit(self, plan: Account) -> bool:
        """Does this plan?"""
        return plan.nanodollars <= self.nanodollars and plan.seconds_high <= self.seconds and plan.calls <= self.calls

    def longest(self, moves: Moves, most: int) -> int:
        """How many moves the calls can hold, at least one, at most `most`: what is longer never fits."""
        fewest = float(moves.calls.min()) if moves.planned else 1.0
        return int(max(min(self.calls / max(fewest, 1.0), most), 1.0))
