"""Which model a conversation is with, and whether its prompt cache is worth staying for."""

import hashlib
import struct
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from action_model.belief import Belief, Estimate
from router.conversation import Conversation
from router.upstreams.upstream import Model

CACHE_SECONDS = 300.0
"""How long a provider keeps a prompt prefix at least (OpenAI 5–10 minutes, Anthropic 5)."""
LEAST_CACHED_TOKENS = 1024
"""Shorter prefixes are not cached (OpenAI, Anthropic)."""
PIN_SECONDS = 3600.0
BUCKETS = 16_384
WAYS = 8
"""Pins in a bucket, of which the oldest makes room: 131,072 in all, in 4 MiB that never grow."""
MOST_NAMES = 65_535

_ENTRY = struct.Struct("<16sdIHH")
_BUCKET = struct.Struct("<" + WAYS * "16sdIHH")
_FIELDS = 5
_NOBODY = bytes(16)
_MOST_TOKENS = 2**32 - 1


class Pin(msgspec.Struct, frozen=True):
    """The model that answered, when (seconds of the clock), how many tokens its prompt had, and as which variant of a
    plain sample it was asked (`Action.variant`)."""

    model: str
    at_seconds: float
    prompt_tokens: int
    variant: str = ""


class Pins:
    """Remembers for an hour, per key, as long as there is room; two keys never see each other's pins.

    A table of fixed size: a pin is named by 16 bytes of a digest of key and conversation, of which the first ones name
    its bucket.
    """

    def __init__(self, clock: Callable[[], float], buckets: int = BUCKETS) -> None:
        self._clock = clock
        self._buckets = buckets
        self._table = bytearray(buckets * _BUCKET.size)
        self._names: dict[str, int] = {}
        self._named: list[str] = []

    def find(self, scope: str, conversation: Conversation) -> Pin | None:
        """The pin of the latest turn of this conversation that is known."""
        for name in conversation.earlier:
            digest = _digest(scope, name)
            entries = _BUCKET.unpack_from(self._table, self._bucket(digest))
            digests = entries[::_FIELDS]
            if digest in digests:
                _, at_seconds, tokens, model, variant = entries[_FIELDS * digests.index(digest) :][:_FIELDS]
                if self._clock() - at_seconds < PIN_SECONDS:
                    return Pin(self._named[model], at_seconds, tokens, self._named[variant])
        return None

    def keep(self, scope: str, conversation: Conversation, pin: Pin) -> None:
        """The conversation, with the answer it is about to get, is with this model."""
        model, variant = self._number(pin.model), self._number(pin.variant)
        if model is None or variant is None:
            return
        digest = _digest(scope, conversation.whole)
        bucket = self._bucket(digest)
        entries = _BUCKET.unpack_from(self._table, bucket)
        place = bucket + _ENTRY.size * _place_for(digest, entries[::_FIELDS], entries[1::_FIELDS])
        tokens = min(pin.prompt_tokens, _MOST_TOKENS)
        _ENTRY.pack_into(self._table, place, digest, pin.at_seconds, tokens, model, variant)

    def _bucket(self, digest: bytes) -> int:
        """Where in the table it begins."""
        return int.from_bytes(digest[:8], "little") % self._buckets * _BUCKET.size

    def _number(self, name: str) -> int | None:
        """What stands for a name; None once there are too many of them."""
        number = self._names.get(name)
        if number is None and len(self._named) < MOST_NAMES:
            number = self._names[name] = len(self._named)
            self._named.append(name)
        return number


def _place_for(digest: bytes, digests: tuple[bytes, ...], at_seconds: tuple[float, ...]) -> int:
    """Its own entry, else an empty one, else the oldest."""
    for wanted in (digest, _NOBODY):
        if wanted in digests:
            return digests.index(wanted)
    return at_seconds.index(min(at_seconds))


def _digest(scope: str, name: bytes) -> bytes:
    return hashlib.blake2b(scope.encode() + name, digest_size=16).digest()


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
