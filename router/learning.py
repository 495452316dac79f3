"""What the events of a run do to its belief, beyond a verdict on one try. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Evidence

FAILED = Evidence(0.0, 1.0)


def both(first: Evidence | None, second: Evidence) -> Evidence:
    """Independent evidence on one candidate, together."""
    if first is None:
        return second
    return Evidence(first.given_success * second.given_success, first.given_failure * second.given_failure)


def reweighted(belief: Belief, index: int, evidence: Evidence) -> Belief:
    """More evidence on a try that is counted already: the particles move, the counts stay."""
    after = belief.after(index, evidence)
    return replace(after, passes=belief.passes, failures=belief.failures)


def refreshed(belief: Belief, portfolio: Portfolio, cut: Sequence[Action]) -> Belief:
    """Answers that failed while they were being written are failures like others."""
    for action in cut:
        if action in portfolio.actions:
            belief = belief.after(portfolio.actions.index(action), FAILED)
    return belief


def without_models(portfolio: Portfolio, belief: Belief, models: Collection[str]) -> tuple[Portfolio, Belief]:
    """Both without the actions of some models."""
    kept = [i for i, action in enumerate(portfolio.actions) if action.model not in models]
    narrowed = replace(
        belief,
        estimates=tuple(belief.estimates[i] for i in kept),
        success=belief.success[:, kept],
        concentration=belief.concentration[kept],
        passes=belief.passes[kept],
        failures=belief.failures[kept],
    )
    return Portfolio(tuple(portfolio.offers[i] for i in kept)), narrowed
