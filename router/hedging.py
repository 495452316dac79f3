"""When a call that takes too long gets a second one beside it. Pure."""

from collections.abc import Sequence

from action_model.belief import Estimate
from router.planning.situation import Tradeoff
from router.task import PlannedAction

LEAST_PATIENCE_SECONDS = 0.25
SAME_UPSTREAM = 0.5
"""How much of a hedge's worth is left at the upstream that is slow just now."""


def patience_seconds(estimate: Estimate, seconds_left: float | None) -> float:
    """How long to wait for a call before a hedge: its 0.9 quantile, less where the deadline leaves little room."""
    patience = max(estimate.seconds_high, LEAST_PATIENCE_SECONDS)
    if seconds_left is None:
        return patience
    return max(min(patience, seconds_left - 1.5 * estimate.seconds), LEAST_PATIENCE_SECONDS)


def hedge_for(
    late: PlannedAction, waited: float, others: Sequence[Estimate], tradeoff: Tradeoff, seconds_left: float | None
) -> Estimate | None:
    """The action to start beside one that is late after `waited` seconds; None if none is worth its money, or in time.

    A call past its 0.9 quantile is expected to need about as long again as it has taken (latencies have heavy tails: a
    Pareto tail of index 2), so the longer it takes, the more a hedge is worth. Where that passes the deadline, the
    answer itself is at stake.
    """
    upstream = _upstream(late.action.model)
    best, most = None, 0.0
    for estimate in others:
        gain = _gain(estimate, waited, tradeoff, seconds_left)
        gain = gain * (SAME_UPSTREAM if _upstream(estimate.action.model) == upstream else 1.0)
        worth = gain - tradeoff.usd * estimate.usd
        if worth > most:
            best, most = estimate, worth
    return best


def _gain(hedge: Estimate, waited: float, tradeoff: Tradeoff, seconds_left: float | None) -> float:
    """Seconds saved, and the answer if it would be lost otherwise; nothing for one that comes too late itself."""
    if seconds_left is not None and hedge.seconds >= seconds_left:
        return 0.0
    saved = max(0.0, waited - hedge.seconds) * tradeoff.seconds
    return saved + (hedge.success if seconds_left is not None and waited >= seconds_left else 0.0)


def _upstream(model: str) -> str:
    return model.split("/", 1)[0]
