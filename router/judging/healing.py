"""Finds the verdicts in a judge's reply, and heals what small models do to JSON."""

import json
import re
from typing import Any

MOST_CHARACTERS = 40_000
MOST_BLOCKS = 32

_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_PYTHON_WORD = re.compile(r"\b(True|False|None)\b(?=\s*[,}\]])")
_WORDS = {"True": "true", "False": "false", "None": "null"}
_TAILS = ("", "}", "]}", "}]}", '"}]}')


def find_verdicts(text: str) -> list[dict[str, Any]]:
    """Every object that may be a verdict, in its order: also of several blocks, fenced, or cut off after some."""
    text = text[:MOST_CHARACTERS]
    found, place = [], 0
    for _ in range(MOST_BLOCKS):
        start = min((i for i in (text.find("{", place), text.find("[", place)) if i >= 0), default=-1)
        if start < 0:
            break
        value, end = _decode(text, start)
        found += _verdicts(value)
        place = max(end, start + 1)
    return found


def _decode(text: str, start: int) -> tuple[Any, int]:
    """The JSON value at `start` and its end; (None, start) where there is none."""
    whole = _try(text[start:])
    if whole is not None:
        return whole[0], start + whole[1]
    healed = _PYTHON_WORD.sub(lambda match: _WORDS[match[1]], _TRAILING_COMMA.sub(r"\1", text[start:]))
    for tail in _TAILS:
        mended = _try(healed + tail)
        if mended is not None and _verdicts(mended[0]):
            return mended[0], len(text)
    return None, start


def _try(text: str) -> tuple[Any, int] | None:
    try:
        return json.JSONDecoder(strict=False, object_pairs_hook=_doubtful).raw_decode(text)
    except (ValueError, RecursionError):
        return None


def _doubtful(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that says "satisfied" twice, as a badly copied quotation may, says so only if all do."""
    found = dict(pairs)
    words = [value for name, value in pairs if name == "satisfied"]
    return {**found, "satisfied": next((word for word in words if word is not True), True)} if words else found


def _verdicts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        inner = value.get("verdicts", value.get("results"))
        value = inner if isinstance(inner, list) else [value]
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict) and ("satisfied" in item or "verdict" in item)]
