"""How fast a model is now and how long its answers are: corrected by each call, so that a change is soon seen."""

import math
from dataclasses import dataclass

LEAST_WEIGHT = 0.2
LEAST_LENGTH_WEIGHT = 0.05


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds to the first token, and tokens per second after it; `calls` is how much has been seen.

    `log_tokens` and `log_variance` are the running mean and variance of the logarithm of output tokens.
    """

    first_token_seconds: float = 0.5
    tokens_per_second: float = 60.0
    calls: float = 0.0
    log_tokens: float = 0.0
    log_variance: float = 0.5

    def after(self, seconds: float, output_tokens: int, first_token_seconds: float | None = None) -> "Speed":
        """The speed once a call of `output_tokens` took `seconds`: weight 1/n for the n-th call, at least 1/5."""
        if seconds <= 0:
            return self
        weight = max(1.0 / (self.calls + 1.0), LEAST_WEIGHT)
        first = first_token_seconds
        if first is None:
            first = min(self.first_token_seconds, 0.5 * seconds)
        rate = max(output_tokens, 1) / max(seconds - first, 1e-3)
        log, variance = self._lengths(output_tokens)
        return Speed(
            first_token_seconds=(1 - weight) * self.first_token_seconds + weight * first,
            tokens_per_second=1.0 / ((1 - weight) / self.tokens_per_second + weight / max(rate, 0.1)),
            calls=self.calls + 1.0,
            log_tokens=log,
            log_variance=variance,
        )

    def lengths(self, prior_median: float, prior_sigma: float, strength: float = 4.0) -> tuple[float, float]:
        """(median, sigma) of output tokens: the prior as `strength` calls, what was seen for the rest."""
        share = self.calls / (self.calls + strength)
        log = (1 - share) * math.log(prior_median) + share * self.log_tokens
        variance = (1 - share) * prior_sigma**2 + share * self.log_variance
        return math.exp(log), max(math.sqrt(variance), 0.2)

    def _lengths(self, output_tokens: int) -> tuple[float, float]:
        """Running mean and variance of log tokens (West 1979), forgetting after about twenty calls."""
        log = math.log(max(output_tokens, 1))
        if not self.calls:
            return log, self.log_variance
        weight = max(1.0 / (self.calls + 1.0), LEAST_LENGTH_WEIGHT)
        off = log - self.log_tokens
        return self.log_tokens + weight * off, (1 - weight) * (self.log_variance + weight * off * off)
