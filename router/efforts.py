"""Effort levels: what a dollar and a second are worth at each, next to 1 for a satisfied task."""

from router.planning.situation import Tradeoff
from router.task import Effort

EFFORTS: dict[Effort, Tradeoff] = {
    "low": Tradeoff(usd=50.0, seconds=0.02),
    "medium": Tradeoff(usd=10.0, seconds=0.008),
    "high": Tradeoff(usd=2.0, seconds=0.002),
}
