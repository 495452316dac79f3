"""When a call that takes too long gets a second one beside it. Pure."""

from collections.abc import Sequence

from action_model.belief import Estimate
from router.planning.situation import Tradeoff
from router.task import PlannedAction

LEAST_PATIENCE_SECONDS = 0.25


def patience_seconds(estimate: Estimate, seconds_left: float | None) -> float:
    """How long to wait for a call before a hedge: its 0.9 quantile, less where the deadline leaves little room."""
    patience = max(estimate.seconds_high, LEAST_PATIENCE_SECONDS)
    if seconds_left is None:
        return patience
    return max(min(patience, seconds_left - 1.5 * estimate.seconds), LEAST_PATIENCE_SECONDS)


def hedge_for(
    late: PlannedAction, others: Sequence[Estimate], tradeoff: Tradeoff, seconds_left: float | None
) -> Estimate | None:
    """The action to start beside a late one, or None if it is not worth its money or cannot be done in time.

    Another upstream is preferred: what is slow now is likely to be slow again. A call past its 0.9 quantile is expected
    to need about as long again (latencies have heavy tails), and all of the answer is lost if the deadline comes first.
    """
    in_time = [e for e in others if seconds_left is None or e.seconds < seconds_left]
    if not in_time:
        return None
    upstream = late.action.model.split("/", 1)[0]
    best = min(
        in_time,
        key=lambda e: (e.action.model.split("/", 1)[0] == upstream, e.action.model == late.action.model, e.seconds),
    )
    expected_wait = late.estimate.seconds_high
    saved = max(0.0, expected_wait - best.seconds) * tradeoff.seconds
    lost = best.success if seconds_left is not None and expected_wait > seconds_left else 0.0
    return best if saved + lost > tradeoff.usd * best.usd else None
