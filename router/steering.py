"""Keeps the mean cost of a run at what the operator states, by what runs really cost: integral control of a worth.

What a dollar is worth at an effort was fitted on tasks of before; those that come are others, and cost more or less.
The debt of an effort is the sum over its runs of spent / goal - 1. While it is positive a dollar counts more, by
exp(GAIN x debt), so that the mean comes back to the goal: after n runs it is off by debt / n, and the debt is bounded.
(Åström and Murray, Feedback Systems, chapter 11: integral action, with anti-windup.)
"""

import asyncio
import logging
import math
from collections.abc import Mapping

from msgspec.structs import replace

from router.efforts import tradeoff_of
from router.ended import Ended
from router.errors import Unavailable
from router.ledger.ledger import Ledger, OutcomeQuery
from router.planning.situation import Tradeoff
from router.task import OperatingPoint, Task

logger = logging.getLogger("maestro.steering")
GAIN = 0.05
"""How much one run at twice the goal raises the logarithm of the worth."""
MOST = 8.0
"""A dollar counts at most so many times more or less than was set: a goal that no plan meets is not chased further."""
MOST_OUTCOMES = 1_000
"""So many of the latest are looked through for where steering stood."""
MOST_SECONDS = 10.0


def after_run(debt: float, usd: float, goal_usd: float) -> float:
    """The debt after one more run; within what `scale_of` makes use of."""
    return _bounded(debt + usd / goal_usd - 1.0)


def _bounded(debt: float) -> float:
    limit = math.log(MOST) / GAIN
    return min(max(debt, -limit), limit)


def scale_of(debt: float) -> float:
    """How many times as much a dollar counts as was set: 1 without a debt, between 1 / MOST and MOST."""
    return math.exp(GAIN * debt)


class Steering:
    """The debts of this process's efforts. `goals` are the stated mean dollars of a run, by the tradeoff they go with;
    without any nothing is steered."""

    def __init__(self, goals: Mapping[Tradeoff, float]) -> None:
        self._goals = dict(goals)
        self._debts = dict.fromkeys(goals, 0.0)

    def scale(self, tradeoff: Tradeoff) -> float:
        """How many times as much a dollar counts now; 1 where no goal is stated."""
        return scale_of(self._debts.get(tradeoff, 0.0))

    def steered(self, task: Task) -> Task:
        """The task with what a dollar is worth to it now."""
        said = tradeoff_of(task)
        if said not in self._goals or task.named_action is not None:
            return task
        return replace(task, operating_point=OperatingPoint(said.usd * self.scale(said), said.seconds))

    def observe(self, ended: Ended) -> None:
        """Takes in what a run cost; one named model, or a named action, was not for the planner to choose."""
        if self._goals and ended.run is not None and ended.task.named_action is None:
            self.take(tradeoff_of(ended.task), ended.nanodollars / 1e9)

    def take(self, tradeoff: Tradeoff, usd: float) -> None:
        """Takes in a run at a tradeoff; nothing happens where no goal is stated."""
        goal_usd = self._goals.get(tradeoff)
        if goal_usd is not None:
            self._debts[tradeoff] = after_run(self._debts[tradeoff], usd, goal_usd)

    def told(self, task: Task) -> Mapping[str, float]:
        """What a stored run keeps: how many times as much a dollar counts from then on. Nothing without a goal."""
        said = tradeoff_of(task)
        return {"usd_scale": self.scale(said)} if said in self._goals else {}

    async def recall(self, ledger: Ledger) -> None:
        """At the start: goes on as the latest stored run of each effort left it."""
        if not self._goals:
            return
        try:
            async with asyncio.timeout(MOST_SECONDS):
                rows = await ledger.outcomes(OutcomeQuery(limit=MOST_OUTCOMES, newest=True))
        except (Unavailable, TimeoutError) as error:
            logger.warning("spending is steered from anew: the ledger's outcomes cannot be read: %r", error)
            return
        for request in (row["request"] for row in rows):
            tradeoff = Tradeoff(float(request.get("usd_value", 0.0)), float(request.get("seconds_value", 0.0)))
            scale = float(request.get("usd_scale", 0.0))
            if tradeoff in self._goals and scale > 0.0:
                self._debts[tradeoff] = _bounded(math.log(scale) / GAIN)
