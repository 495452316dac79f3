"""How fast a model is now: corrected by each call, so that a slow hour is seen within a few of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds to the first token, and tokens per second after it; `calls` is how much has been seen (it saturates)."""

    first_token_seconds: float = 0.5
    tokens_per_second: float = 60.0
    calls: float = 0.0

    def after(self, seconds: float, output_tokens: int, first_token_seconds: float | None = None) -> "Speed":
        """The speed once a call of `output_tokens` took `seconds`: weight 1/n for the n-th call, at least 1/5."""
        if seconds <= 0:
            return self
        weight = max(1.0 / (self.calls + 1.0), 0.2)
        first = first_token_seconds
        if first is None:
            first = min(self.first_token_seconds, 0.5 * seconds)
        rate = max(output_tokens, 1) / max(seconds - first, 1e-3)
        return Speed(
            first_token_seconds=(1 - weight) * self.first_token_seconds + weight * first,
            tokens_per_second=1.0 / ((1 - weight) / self.tokens_per_second + weight / max(rate, 0.1)),
            calls=self.calls + 1.0,
        )
