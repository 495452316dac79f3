"""Plans of one length side by side: what each is worth, and which moves it is made of."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from router.planning.particles import Floats

Ints = NDArray[np.intp]
Steps = tuple[tuple[int, bool], ...]
"""The moves of a plan, and whether each joins the wave of the one before."""
Clock = tuple[float, float, float, float]
"""Seconds of a plan: all waves but the open one, as expected; the open one's, and their 0.9 quantile; the most that is
needed up to any moment."""


class Layer(msgspec.Struct, frozen=True, gc=False):
    """Plans of one length: for each of the two ways (alone, joined), each move of `among` and each of the plans of the
    layer `before` that were kept (`parents`), in that order.

    `losses` (P, N) is minus what they are worth above the best candidate by each ranking, the true one first; a plan
    that may not be made has infinity. `mass` (B,) is what reaches the end of each kept plan without an answer that
    passes, `left` (N / 2,) the same once the move is made as well, and `success` (N / 2,) what then is right and
    passes: None if that is all that passes. `clocks` are those of its plans that were asked for.
    """

    losses: Floats
    among: Sequence[int]
    mass: Floats
    left: Floats
    success: Floats | None
    parents: Sequence[int] = (0,)
    before: "Layer | None" = None
    clocks: dict[int, Clock] = msgspec.field(default_factory=dict)

    @property
    def values(self) -> Floats:
        """(N,): what each plan is worth above the best candidate."""
        values: Floats = -self.losses[0]
        return values

    @property
    def ways(self) -> int:
        """1 if each move starts a wave of its own, 2 if each is looked at in the open wave as well."""
        return len(self.losses[0]) // len(self.left)

    def place(self, plan: int) -> tuple[bool, int, int]:
        """(does its last move join, the place of the move in `among`, that of its parent in `parents`)."""
        joins, rest = divmod(plan, len(self.left))
        place, parent = divmod(rest, len(self.parents))
        return joins == 1, place, parent

    def steps(self, plan: int) -> Steps:
        """All steps of one plan."""
        return tuple(step for step, _ in self.reached(plan))

    def reached(self, plan: int) -> list[tuple[tuple[int, bool], float]]:
        """All steps of one plan, each with the mass that had no answer that passes before it."""
        found: list[tuple[tuple[int, bool], float]] = []
        layer: Layer | None = self
        while layer is not None:
            joins, place, parent = layer.place(plan)
            found.append(((layer.among[place], joins), layer.mass.item(parent)))
            plan, layer = layer.parents[parent], layer.before
        return found[::-1]

    def after(self, plan: int) -> tuple[float, float]:
        """(P(an answer passes and is right), P(one passes)) of one plan."""
        place = plan % len(self.left)
        passed = 1.0 - self.left.item(place)
        return passed if self.success is None else self.success.item(place), passed

    def waves(self, plan: int) -> list[list[int]]:
        """The moves of one plan, wave by wave."""
        waves: list[list[int]] = []
        for move, joins in self.steps(plan):
            if joins:
                waves[-1].append(move)
            else:
                waves.append([move])
        return waves
