"""The belief over all actions for one task: particles of what the task demands, reweighted by each verdict."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from action_model.actions import Action

Floats = NDArray[np.float64]


class Estimate(msgspec.Struct, frozen=True):
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


class Evidence(msgspec.Struct, frozen=True):
    """How likely what was seen is if the candidate truly satisfies the task, and if it does not.

    An exact check that passed is (1, 0); one that failed (0, 1); a judge's verdict goes through its error rates;
    (1, 1) says nothing.
    """

    given_success: float
    given_failure: float


class Repair(msgspec.Struct, frozen=True):
    """The candidate that a fix starts from: its score, which requirements failed, how often it was repaired."""

    score: float
    failed_kinds: tuple[str, ...]
    requirement_count: int
    repair_count: int


class Belief(msgspec.Struct, frozen=True):
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
        """(S, A): chance of success of one more try of each action, given what was seen of it (Beta-binomial mean).
        Not to be written to: it is `success` itself while nothing was seen."""
        kappa, seen = self.concentration, self.passes + self.failures
        if not seen.any() and (kappa > 0.0).all():
            return self.success
        with np.errstate(invalid="ignore"):
            repeated = (self.success * kappa + self.passes) / (kappa + seen)
        return np.where(np.isinf(kappa), self.success, repeated)

    def chance(self, index: int) -> Floats:
        """(S,): the same of one action."""
        return self._chance(index, self.failures.item(index))

    def _chance(self, index: int, failed: float) -> Floats:
        kappa, passed = self.concentration.item(index), self.passes.item(index)
        chance, seen = self.success[:, index], passed + failed
        if math.isinf(kappa) or (seen == 0.0 and kappa > 0.0):
            return chance
        with np.errstate(invalid="ignore"):
            repeated: Floats = (chance * kappa + passed) / (kappa + seen)
        return repeated

    def means(self) -> Floats:
        """(A,): chance of success of one more try of each action."""
        result: Floats = self.weights @ self.chances()
        return result

    def success_of_set(self, indices: Sequence[int]) -> float:
        """P(at least one of these tries succeeds) = 1 - sum_s w_s prod_a (1 - p_sa), repeats correlated."""
        miss, failures = self.weights, self.failures.tolist()
        for a in indices:
            miss = miss * (1.0 - self._chance(a, failures[a]))
            failures[a] += 1.0
        return 1.0 - float(miss.sum())

    def after(self, index: int, evidence: Evidence) -> "Belief":
        """The belief once a try of action `index` gave `evidence`: Bayes on particles, soft counts on the action."""
        chance = self.chance(index)
        joint = self.weights * (chance * evidence.given_success + (1.0 - chance) * evidence.given_failure)
        total = float(joint.sum())
        if total <= 0.0:
            return self
        passed = float((self.weights * chance).sum()) * evidence.given_success / total
        counted = 0.0 if evidence.given_success == evidence.given_failure else 1.0
        passes, failures = self.passes.copy(), self.failures.copy()
        passes[index] += counted * passed
        failures[index] += counted * (1.0 - passed)
        return Belief(self.estimates, joint / total, self.success, self.concentration, passes, failures)
