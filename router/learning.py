"""What the events of a run do to its belief, beyond a verdict on one try. Pure."""

from collections.abc import Collection, Sequence

import numpy as np
from msgspec.structs import replace

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Evidence

FAILED = Evidence(0.0, 1.0)
UNDOING = 6
"""Steps of the iteration that takes a verdict back; two digits a step."""


def both(first: Evidence | None, second: Evidence) -> Evidence:
    """Independent evidence on one candidate, together."""
    if first is None:
        return second
    return Evidence(first.given_success * second.given_success, first.given_failure * second.given_failure)


def revised(belief: Belief, index: int, first: Evidence, second: Evidence) -> Belief:
    """`belief` took in a try of action `index` by `first`; what it is once `second` speaks of the same try as well.

    The first word is taken back, then both are taken in together: a refused pass is one failure, not a pass as well.
    """
    return _before(belief, index, first).after(index, both(first, second))


def _before(belief: Belief, index: int, evidence: Evidence) -> Belief:
    """The belief before `after(index, evidence)`. Its chances hang on the pass it counted: found by iterating."""
    seen = float(belief.passes[index] + belief.failures[index])
    if evidence.given_success == evidence.given_failure or seen < 1.0:
        return belief
    counted = 1.0 if evidence.given_success > evidence.given_failure else 0.0
    passes, failures = belief.passes.copy(), belief.failures.copy()
    earlier, likelihood = belief, np.ones_like(belief.weights)
    for _ in range(UNDOING):
        passes[index] = min(max(float(belief.passes[index]) - counted, 0.0), seen - 1.0)
        failures[index] = seen - 1.0 - passes[index]
        earlier = replace(belief, passes=passes, failures=failures)
        chance = earlier.chances()[:, index]
        likelihood = chance * evidence.given_success + (1.0 - chance) * evidence.given_failure
        share = np.divide(chance * evidence.given_success, likelihood, out=np.zeros_like(chance), where=likelihood > 0)
        counted = float(belief.weights @ share)
    weights = np.divide(belief.weights, likelihood, out=np.zeros_like(likelihood), where=likelihood > 0)
    total = float(weights.sum())
    return replace(earlier, weights=weights / total) if total > 0.0 else earlier


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
