"""Which model a conversation is with, and whether its prompt cache is worth staying for."""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace

from action_model.belief import Belief, Estimate
from router.conversation import Conversation
from router.upstreams.upstream import Model

CACHE_SECONDS = 300.0
"""How long a provider keeps a prompt prefix at least (OpenAI 5–10 minutes, Anthropic 5)."""
LEAST_CACHED_TOKENS = 1024
"""Shorter prefixes are not cached (OpenAI, Anthropic)."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The model that answered, when (seconds of the clock), how many tokens its prompt had, and as which variant of a
    plain sample it was asked (`Action.variant`)."""

    model: str
    at_seconds: float
    prompt_tokens: int
    variant: str = ""


class Pins:
    """Remembers, per key. `kept` forgets by itself (a TTL cache); two keys never see each other's pins."""

    def __init__(self, kept: MutableMapping[tuple[str, bytes], Pin]) -> None:
        self._kept = kept

    def find(self, scope: str, conversation: Conversation) -> Pin | None:
        """The pin of the latest turn of this conversation that is known."""
        for name in conversation.earlier:
            pin = self._kept.get((scope, name))
            if pin is not None:
                return pin
        return None

    def keep(self, scope: str, conversation: Conversation, pin: Pin) -> None:
        """The conversation, with the answer it is about to get, is with this model."""
        self._kept[(scope, conversation.whole)] = pin


def cache_saving_usd(pin: Pin, model: Model, now: float) -> float:
    """What the cached prefix saves on the next prompt to `model`; 0 once it has expired, or for another model."""
    cached = model.price.cached_input_usd_per_mtok
    is_warm = now - pin.at_seconds < CACHE_SECONDS and pin.prompt_tokens >= LEAST_CACHED_TOKENS
    if pin.model != model.id or cached is None or not is_warm:
        return 0.0
    return max(0.0, model.price.input_usd_per_mtok - cached) * pin.prompt_tokens / 1e6


def with_saving(belief: Belief, model: Model, usd: float) -> Belief:
    """The belief where the actions of `model` are cheaper by so much; what is held for them stays the full price."""
    if usd <= 0.0:
        return belief
    return replace(
        belief, estimates=tuple(_cheaper(e, usd) if e.action.model == model.id else e for e in belief.estimates)
    )


def _cheaper(estimate: Estimate, usd: float) -> Estimate:
    return replace(estimate, usd=max(0.0, estimate.usd - usd))
