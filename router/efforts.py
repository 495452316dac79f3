"""Effort levels: what a dollar and a second are worth at each, next to 1 for a satisfied task."""

from collections.abc import Mapping

from router.planning.situation import Tradeoff
from router.task import Effort, Task

EFFORTS: dict[Effort, Tradeoff] = {
    "low": Tradeoff(usd=50.0, seconds=0.02),
    "medium": Tradeoff(usd=10.0, seconds=0.008),
    "high": Tradeoff(usd=2.0, seconds=0.002),
}


def tradeoff_of(task: Task) -> Tradeoff:
    """What a dollar and a second are worth to this task: its operating point's word, else its effort's."""
    point = task.operating_point
    return EFFORTS[task.budget.effort] if point is None else Tradeoff(point.usd, point.seconds)


def efforts_with(said: Mapping[Effort, Tradeoff]) -> Mapping[Effort, Tradeoff]:
    """All levels, in order; those that the operator set as they were set."""
    return {**EFFORTS, **said}
