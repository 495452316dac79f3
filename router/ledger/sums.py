"""Charges and their sums as reports tell them, whatever the backend."""

import json
from collections.abc import Sequence
from typing import Any

from router.ledger.ledger import Spend

USAGE = (
    *("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens"),
    *("audio_input_tokens", "audio_output_tokens", "image_input_tokens", "image_output_tokens"),
)
"""The columns of `Usage`, in its order."""
CHARGE = (
    *("attempt_id", "run_id", "team", "key_id", "model", "purpose", "technique", "reserved_at", "settled_at", "held"),
    *("nanodollars", *USAGE, "is_estimated", "seconds", "price"),
)
"""The columns of a settled line."""


def charge_row(row: Sequence[Any]) -> dict[str, Any]:
    """The values of `CHARGE` as they are shown."""
    named = with_usd(dict(zip(CHARGE, row, strict=True)))
    return {**named, "price": json.loads(named["price"] or "{}")}


def bounds(query: Spend) -> dict[str, Any]:
    """What a statement over charges is given."""
    return {"since": query.since, "until": query.until, "team": query.team, "key": query.key_id}


def with_usd(row: dict[str, Any]) -> dict[str, Any]:
    """A row with dollars in place of its nanodollars."""
    nanodollars = row.pop("nanodollars")
    return {**row, "usd": nanodollars / 1e9}


def total_of(sums: Sequence[int | None]) -> dict[str, Any]:
    """Calls, input and output tokens, nanodollars and estimated calls, in this order; nothing is zero."""
    calls, asked, answered, nanodollars, estimated = (value or 0 for value in sums)
    return {
        "calls": calls,
        "input_tokens": asked,
        "output_tokens": answered,
        "usd": nanodollars / 1e9,
        "estimated_calls": estimated,
    }
