"""What a call used and what it costs: token counts, prices, and money in whole nanodollars."""

import math
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

NANODOLLARS_PER_USD = 1_000_000_000
SLOW_TOKENS_PER_SECOND = 20.0
"""How slowly a model paid by the second is thought to write, where its money is held: a small one on two cores."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one call: input includes cached, audio and image ones, output reasoning, audio and image ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0

    @property
    def has_special(self) -> bool:
        """Are any of the tokens other than plain input and output?"""
        return bool(
            self.cached_input_tokens
            or self.cache_write_tokens
            or self.reasoning_tokens
            or self.audio_input_tokens
            or self.audio_output_tokens
            or self.image_input_tokens
            or self.image_output_tokens
        )

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.audio_input_tokens + other.audio_input_tokens,
            self.audio_output_tokens + other.audio_output_tokens,
            self.image_input_tokens + other.image_input_tokens,
            self.image_output_tokens + other.image_output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Price:
    """List price of a model. A special price that is None falls back to the plain input or output price.

    `tiers` are (tokens, price) ascending: an input longer than that many tokens is charged wholly at that price.
    """

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cached_input_usd_per_mtok: float | None = None
    cache_write_usd_per_mtok: float | None = None
    reasoning_usd_per_mtok: float | None = None
    audio_input_usd_per_mtok: float | None = None
    audio_output_usd_per_mtok: float | None = None
    usd_per_request: float = 0.0
    usd_per_second: float = 0.0
    tiers: "tuple[tuple[int, Price], ...]" = ()
    image_input_usd_per_mtok: float | None = None
    image_output_usd_per_mtok: float | None = None

    def usd(self, usage: Usage, seconds: float = 0.0) -> float:
        """Dollars that `usage` costs; `seconds` counts only for models paid by the second."""
        if self.tiers:
            reached = [price for tokens, price in self.tiers if usage.input_tokens > tokens]
            if reached:
                return reached[-1].usd(usage, seconds)
        if not usage.has_special:
            return self._plain_usd(usage.input_tokens, usage.output_tokens, seconds)
        special_input = usage.cached_input_tokens + usage.cache_write_tokens
        plain_input = usage.input_tokens - special_input - usage.audio_input_tokens - usage.image_input_tokens
        special_output = usage.reasoning_tokens + usage.audio_output_tokens + usage.image_output_tokens
        plain_output = usage.output_tokens - special_output
        per_mtok = (
            max(plain_input, 0) * self.input_usd_per_mtok
            + usage.cached_input_tokens * _or(self.cached_input_usd_per_mtok, self.input_usd_per_mtok)
            + usage.cache_write_tokens * _or(self.cache_write_usd_per_mtok, self.input_usd_per_mtok)
            + usage.audio_input_tokens * _or(self.audio_input_usd_per_mtok, self.input_usd_per_mtok)
            + usage.image_input_tokens * _or(self.image_input_usd_per_mtok, self.input_usd_per_mtok)
            + max(plain_output, 0) * self.output_usd_per_mtok
            + usage.reasoning_tokens * _or(self.reasoning_usd_per_mtok, self.output_usd_per_mtok)
            + usage.audio_output_tokens * _or(self.audio_output_usd_per_mtok, self.output_usd_per_mtok)
            + usage.image_output_tokens * _or(self.image_output_usd_per_mtok, self.output_usd_per_mtok)
        )
        return per_mtok / 1e6 + self.usd_per_request + self.usd_per_second * seconds

    def plain_usd(self, input_tokens: int, output_tokens: int, seconds: float = 0.0) -> float:
        """`usd` of a call without any special tokens, to the last bit, at a third of the time: planning asks often."""
        if self.tiers:
            return self.usd(Usage(input_tokens, output_tokens), seconds)
        return self._plain_usd(input_tokens, output_tokens, seconds)

    def _plain_usd(self, input_tokens: int, output_tokens: int, seconds: float) -> float:
        per_mtok = max(input_tokens, 0) * self.input_usd_per_mtok + max(output_tokens, 0) * self.output_usd_per_mtok
        return per_mtok / 1e6 + self.usd_per_request + self.usd_per_second * seconds

    def nanodollars(self, usage: Usage, seconds: float = 0.0) -> int:
        """The same in nanodollars, rounded up, so that no charge is ever below the true cost."""
        return to_nanodollars(self.usd(usage, seconds))

    def held_nanodollars(self, usage: Usage) -> int:
        """What to hold for a call that will use this much: as if all were thought, and written to a cache, where that
        is dearer; a model paid by the second is thought to be slow.
        """
        if (self.reasoning_usd_per_mtok or 0.0) > self.output_usd_per_mtok:
            usage = replace(usage, reasoning_tokens=usage.output_tokens)
        if (self.cache_write_usd_per_mtok or 0.0) > self.input_usd_per_mtok:
            usage = replace(usage, cache_write_tokens=usage.input_tokens)
        seconds = usage.output_tokens / SLOW_TOKENS_PER_SECOND if self.usd_per_second else 0.0
        return self.nanodollars(usage, seconds)


def to_nanodollars(usd: float) -> int:
    """Whole nanodollars, rounded up; the tiny slack keeps an exact decimal from being pushed up by binary noise."""
    return math.ceil(usd * NANODOLLARS_PER_USD - 1e-6)


def to_usd(nanodollars: int) -> float:
    """Dollars for showing; never add these up."""
    return nanodollars / NANODOLLARS_PER_USD


def _or(special: float | None, plain: float) -> float:
    return plain if special is None else special
