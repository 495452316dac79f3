"""Sums of charges as reports tell them, whatever the backend."""

from collections.abc import Sequence
from typing import Any


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
