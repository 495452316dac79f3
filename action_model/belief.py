"""The belief over all actions for one task: particles of what the task demands, reweighted by each verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from action_model.actions import Action

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one action is predicted to do for this task.

    `_high` is the 0.9 quantile; `uncertainty` a standard deviation of `success`.
    """

    action: Action
    success: float
    score: float
    input_tokens: float
    output_tokens: float
    output_tokens_high: float
    usd: float
    usd_high: float
    seconds: float
    seconds_high: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """How likely what was seen is if the candidate truly satisfies the task, and if it does not.

    An exact check that passed is (1, 0); one that failed (0, 1); a judge's verdict goes through its error rates;
    (1, 1) says nothing.
    """

    given_success: float
    given_failure: float


@dataclass(frozen=True, slots=True)
class Repair:
    """The candidate that a fix starts from: its score, which requirements failed, how often it was repaired."""

    score: float
    failed_kinds: tuple[str, ...]
    requirement_count: int
    repair_count: int


@dataclass(frozen=True)
class Belief:
    """Estimates of all actions, jointly.

    `weights` (S,) are the particles' probabilities; `success` (S, A) the chance that action a satisfies the task
    under particle s; `concentration` (A,) says how much repeats of one action differ on one task (infinity: independent
    given z; small: the same answer again); `passes` and `failures` (A,) count what was seen of each action.
    """

    estimates: tuple[Estimate, ...]
    weights: Floats
    success: Floats
    concentration: Floats
    passes: Floats
    failures: Floats

    def index(self, action: Action) -> int:
        """Where `action` stands in the arrays. Raises ValueError if it is not on offer."""
        return [estimate.action for estimate in self.estimates].index(action)

    def chances(self) -> Floats:
        """(S, A): chance of success of one more try of each action, given what was seen of it (Beta-binomial mean)."""
        kappa = self.concentration
        seen = self.passes + self.failures
        with np.errstate(invalid="ignore"):
            repeated = (self.success * kappa + self.passes) / (kappa + seen)
        return np.where(np.isinf(kappa), self.success, repeated)

    def means(self) -> Floats:
        """(A,): chance of success of one more try of each action."""
        result: Floats = self.weights @ self.chances()
        return result

    def success_of_set(self, indices: Sequence[int]) -> float:
        """P(at least one of these tries succeeds) = 1 - sum_s w_s prod_a (1 - p_sa), repeats correlated."""
        miss = np.ones_like(self.weights)
        failures = self.failures.copy()
        for a in indices:
            kappa = self.concentration[a]
            if np.isinf(kappa):
                chance = self.success[:, a]
            else:
                chance = (self.success[:, a] * kappa + self.passes[a]) / (kappa + self.passes[a] + failures[a])
            miss = miss * (1.0 - chance)
            failures[a] += 1.0
        return float(1.0 - self.weights @ miss)

    def after(self, index: int, evidence: Evidence) -> "Belief":
        """The belief once a try of action `index` gave `evidence`: Bayes on particles, soft counts on the action."""
        chance = self.chances()[:, index]
        likelihood = chance * evidence.given_success + (1.0 - chance) * evidence.given_failure
        joint = self.weights * likelihood
        total = float(joint.sum())
        if total <= 0.0:
            return self
        weights = joint / total
        passed = float((self.weights * chance).sum()) * evidence.given_success / total
        counted = 0.0 if evidence.given_success == evidence.given_failure else 1.0
        passes, failures = self.passes.copy(), self.failures.copy()
        passes[index] += counted * passed
        failures[index] += counted * (1.0 - passed)
        return replace(self, weights=weights, passes=passes, failures=failures)
