"""How fast a model is now and how long its answers are: corrected by each call, so that a change is soon seen.

Quantiles are corrected by what they missed: each call moves a margin up by 0.9 of a step if it lay above its predicted
0.9 quantile, and down by 0.1 of one if not, so that in the long run one in ten lies above, whatever the distribution
(adaptive conformal inference: Gibbs & Candès 2021, arXiv 2106.00170).
"""

import math

import msgspec

from action_model.belief import Estimate

LEAST_WEIGHT = 0.2
LEAST_LENGTH_WEIGHT = 0.05
MISSES = 0.1
MARGIN_STEP = 0.12
LEAST_MARGIN, MOST_MARGIN = -1.0, 2.5
"""In logarithm."""
MOST_RATIO = 4.0
"""Of one call's tokens to those expected."""


class Speed(msgspec.Struct, frozen=True):
    """Seconds to the first token, and tokens per second after it; `calls` is how much has been seen.

    `log_tokens` and `log_variance` are the running mean and variance of the logarithm of output tokens. Where what was
    expected of each call is known: `token_shift` and `seconds_shift` are how much more they are than expected, in
    logarithm, and `token_margin`, `seconds_margin` what their 0.9 quantiles need to be passed one time in ten.
    """

    first_token_seconds: float = 0.5
    tokens_per_second: float = 60.0
    calls: float = 0.0
    log_tokens: float = 0.0
    log_variance: float = 0.5
    token_shift: float = 0.0
    token_margin: float = 0.0
    seconds_shift: float = 0.0
    seconds_margin: float = 0.0

    def after(
        self,
        seconds: float,
        output_tokens: int,
        first_token_seconds: float | None = None,
        expected: Estimate | None = None,
    ) -> "Speed":
        """The speed once a call of `output_tokens` took `seconds`: weight 1/n for the n-th call, at least 1/5.

        `expected` is what was predicted of it, with the corrections of then.
        """
        if seconds <= 0:
            return self
        weight = max(1.0 / (self.calls + 1.0), LEAST_WEIGHT)
        first = first_token_seconds
        if first is None:
            first = min(self.first_token_seconds, 0.5 * seconds)
        rate = max(output_tokens, 1) / max(seconds - first, 1e-3)
        return Speed(
            (1 - weight) * self.first_token_seconds + weight * first,
            1.0 / ((1 - weight) / self.tokens_per_second + weight / max(rate, 0.1)),
            self.calls + 1.0,
            *self._lengths(output_tokens),
            *self._corrections(seconds, output_tokens, expected),
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

    def _corrections(
        self, seconds: float, output_tokens: int, expected: Estimate | None
    ) -> tuple[float, float, float, float]:
        """Shifts and margins, of tokens, then of seconds. Shifts move until what comes and what was expected agree in
        the mean (Robbins & Monro 1951)."""
        if expected is None:
            return self.token_shift, self.token_margin, self.seconds_shift, self.seconds_margin
        weight = max(1.0 / (self.calls + 2.0), LEAST_LENGTH_WEIGHT)
        return (
            shifted(self.token_shift, weight, output_tokens, expected.output_tokens),
            margin_after(self.token_margin, output_tokens > expected.output_tokens_high),
            shifted(self.seconds_shift, weight, seconds, expected.seconds),
            margin_after(self.seconds_margin, seconds > expected.seconds_high),
        )


def shifted(shift: float, weight: float, actual: float, expected: float) -> float:
    """The shift once `actual` came where `expected` was."""
    if expected <= 0.0:
        return shift
    return min(max(shift + weight * (min(actual / expected, MOST_RATIO) - 1.0), LEAST_MARGIN), MOST_MARGIN)


def margin_after(margin: float, is_missed: bool) -> float:
    """The margin of a 0.9 quantile that was passed, or not."""
    return min(max(margin + MARGIN_STEP * (is_missed - MISSES), LEAST_MARGIN), MOST_MARGIN)
