"""Plans of one length side by side: what each is expected to bring and to take, as rows of one array."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from router.planning.particles import Floats

Ints = NDArray[np.intp]
Steps = tuple[tuple[int, bool], ...]
"""The moves of a plan, and whether each joins the wave of the one before."""


class Row(IntEnum):
    """What is kept of a plan. GAIN, USD, SECONDS are expected; NEED_ the 0.9 quantile up to the worst moment.

    REACH is the mass that starts the open wave; OPEN_ speak of that wave, BEFORE_ of all earlier ones. HOPE is what may
    be gained at most by going on after it. The order lets one operation fill several rows.
    """

    GAIN = 0
    USD = 1
    SECONDS = 2
    HOPE = 3
    SUCCESS = 4
    CREDIT = 5
    CALLS = 6
    BEFORE_NANODOLLARS = 7
    BEFORE_SECONDS = 8
    OPEN_NANODOLLARS = 9
    OPEN_SECONDS = 10
    OPEN_NANODOLLARS_HIGH = 11
    OPEN_SECONDS_HIGH = 12
    REACH = 13
    NEED_NANODOLLARS = 14
    NEED_SECONDS = 15


COUNTED = slice(Row.GAIN, Row.HOPE + 1)
PAID = slice(Row.USD, Row.SECONDS + 1)
BEFORE = slice(Row.BEFORE_NANODOLLARS, Row.BEFORE_SECONDS + 1)
OPEN = slice(Row.OPEN_NANODOLLARS, Row.OPEN_SECONDS_HIGH + 1)
OPEN_MEAN = slice(Row.OPEN_NANODOLLARS, Row.OPEN_SECONDS + 1)
OPEN_HIGH = slice(Row.OPEN_NANODOLLARS_HIGH, Row.OPEN_SECONDS_HIGH + 1)
OPEN_MONEY = slice(Row.OPEN_NANODOLLARS, Row.OPEN_SECONDS_HIGH, 2)
OPEN_TIME = slice(Row.OPEN_SECONDS, Row.OPEN_SECONDS_HIGH + 1, 2)
NEED = slice(Row.NEED_NANODOLLARS, Row.NEED_SECONDS + 1)


@dataclass(frozen=True)
class Layer:
    """Plans of one length. `rows` (16, N): for each of the two ways (alone, joined), each plan of the layer before
    (`steps`) and each move (`among`), in that order. `values` (N,) are above what the best candidate is worth already;
    a plan that may not be made has minus infinity."""

    rows: Floats
    values: Floats
    among: Ints
    steps: tuple[Steps, ...]

    def waves(self, plan: int) -> list[list[int]]:
        """The moves of one plan, wave by wave."""
        waves: list[list[int]] = []
        for move, joins in self.extended(*self.place(plan)):
            if joins:
                waves[-1].append(move)
            else:
                waves.append([move])
        return waves

    def extended(self, joins: bool, parent: int, place: int) -> Steps:
        """All steps of the plan in this place."""
        return (*self.steps[parent], (int(self.among[place]), joins))

    def place(self, plan: int) -> tuple[bool, int, int]:
        """(does its last move join, the plan of the layer before, the place of the move in `among`)."""
        before, place = divmod(plan, len(self.among))
        joins, parent = divmod(before, len(self.steps))
        return bool(joins), parent, place
