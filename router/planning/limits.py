"""What is left of a run's budget, as numbers to compare with: infinity where there is no limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.planning.search import Layer, Row
from router.planning.situation import Situation

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Limits:
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

    def fitting(self, layers: Sequence[Layer]) -> list[Mask]:
        """Per layer, which plans fit all limits at every moment."""
        return [self.fits(layer) for layer in layers]

    def fits(self, layer: Layer) -> Mask:
        """Which plans fit all limits at every moment."""
        fits: Mask = self.affords(layer) & (layer.rows[Row.NEED_SECONDS] <= self.seconds)
        return fits

    def affords(self, layer: Layer) -> Mask:
        """Which plans fit money and calls, if not the deadline."""
        fits: Mask = (layer.rows[Row.NEED_NANODOLLARS] <= self.nanodollars) & (layer.rows[Row.CALLS] <= self.calls)
        return fits
