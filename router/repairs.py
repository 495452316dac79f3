"""How often fixes passed beside how often they were expected to, model by model: what is expected next is corrected.

No public table records repairs by requirement, and how well a model repairs differs more than how well it answers.
"""

from router.task import Candidate

STRENGTH = 2.0
"""Passes that are taken as if they had been expected and had come: the weight of what is expected at first."""
MOST = 2.0
MEMORY = 0.99
"""What is left of earlier counts with each fix."""


class Repairs:
    """Counts of one process; in memory, as the estimator's own corrections are."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def factor(self, model: str) -> float:
        """By what the expected chance of a fix by this model is multiplied: the mean of a Gamma-Poisson rate."""
        expected, passed = self._seen.get(model, (0.0, 0.0))
        return min((passed + STRENGTH) / (expected + STRENGTH), MOST)

    def observe(self, model: str, expected: float, passed: bool) -> None:
        """A fix of which so much was expected before any correction, and what came of it."""
        earlier = self._seen.get(model, (0.0, 0.0))
        self._seen[model] = (MEMORY * earlier[0] + expected, MEMORY * earlier[1] + passed)

    def learn(self, fixed: Candidate, expected: float) -> None:
        """The same of a checked fix; one that could not be validated teaches nothing."""
        if fixed.verdicts and all(verdict.score is not None for verdict in fixed.verdicts):
            self.observe(fixed.action.model, expected, all(verdict.passed for verdict in fixed.verdicts))
