"""Reads a usage object, in OpenAI's shapes (chat, responses, embeddings) or Anthropic's."""

from collections.abc import Mapping
from typing import Any

from action_model.prices import Usage

MOST_TOKENS = 1_000_000_000
"""More than any call can use: a larger count is an upstream's mistake, and would not fit the ledger."""


def read_usage(usage: Any) -> Usage | None:
    """The tokens an upstream says it used; None if it says nothing usable. Negative or absurd counts are nothing."""
    if not isinstance(usage, dict):
        return None
    asked = _first(usage, "prompt_tokens", "input_tokens")
    answered = _first(usage, "completion_tokens", "output_tokens")
    if asked is None and answered is None:
        return None
    asked, answered = asked or 0, answered or 0
    # Gemini and xAI count what was thought in the total only; it is billed as output.
    total = _count(usage.get("total_tokens")) if "prompt_tokens" in usage else None
    unlisted = max(0, (total or 0) - asked - answered)
    answered += unlisted
    inputs = _details(usage, "prompt_tokens_details", "input_tokens_details")
    outputs = _details(usage, "completion_tokens_details", "output_tokens_details")
    cached = _count(inputs.get("cached_tokens")) or _count(usage.get("prompt_cache_hit_tokens")) or 0
    written = _count(inputs.get("cache_write_tokens")) or 0
    if "cache_read_input_tokens" in usage or "cache_creation_input_tokens" in usage:
        # Anthropic counts cached tokens beside input_tokens, not within.
        read = _count(usage.get("cache_read_input_tokens")) or 0
        written = _count(usage.get("cache_creation_input_tokens")) or 0
        asked += 0 if "prompt_tokens" in usage else read + written
        cached = read
    return Usage(
        input_tokens=asked,
        output_tokens=answered,
        cached_input_tokens=min(cached, asked),
        cache_write_tokens=min(written, asked),
        reasoning_tokens=min(_count(outputs.get("reasoning_tokens")) or unlisted, answered),
        audio_input_tokens=min(_count(inputs.get("audio_tokens")) or 0, asked),
        audio_output_tokens=min(_count(outputs.get("audio_tokens")) or 0, answered),
        image_input_tokens=min(_count(inputs.get("image_tokens")) or 0, asked),
        image_output_tokens=min(_count(outputs.get("image_tokens")) or 0, answered),
    )


def _first(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        count = _count(usage.get(name))
        if count is not None:
            return count
    return None


def _details(usage: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        details = usage.get(name)
        if isinstance(details, dict):
            return details
    return {}


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if type(value) is int:  # nearly always, and never a bool
        return value if 0 <= value <= MOST_TOKENS else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return int(value)
