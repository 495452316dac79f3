"""What the token probabilities of a judge's reply say: P(true) / (P(true) + P(false)) where a verdict was written.

The weighting over verdict tokens is that of G-Eval (Liu et al. 2023, arXiv 2303.16634), with two verdicts.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

_ID = re.compile(r'"id"\s*:\s*"?(\d{1,6})\b')
_VERDICT = re.compile(r'"satisfied"\s*:\s*"?(true|false|yes|no)', re.IGNORECASE)
_TRUE, _FALSE = ("true", "yes", "tr", "t"), ("false", "no", "fal", "fa", "f")


def verdict_probabilities(tokens: Any) -> dict[int, float]:
    """P(satisfied) by requirement number, from `choices[0].logprobs.content`; empty where nothing usable is there."""
    if not isinstance(tokens, list):
        return {}
    starts, text = [], ""
    for token in tokens:
        starts.append(len(text))
        text += str(token.get("token", "")) if isinstance(token, dict) else ""
    found: dict[int, float] = {}
    for number, word in _written(text):
        probability = _weigh(tokens[bisect_right(starts, word) - 1])
        if probability is not None:
            found[number] = min(probability, found.get(number, 1.0))
    return found


def _written(text: str) -> Iterator[tuple[int, int]]:
    """Each verdict's number, and where its word begins. What is copied from an answer may hold words of its own: all
    that stand between one number and the next are told, so that the most doubtful can count."""
    ids = list(_ID.finditer(text))
    ends = [*(one.start() for one in ids), len(text)][1:]
    for one, end in zip(ids, ends, strict=False):
        for verdict in _VERDICT.finditer(text, one.end(), end):
            yield int(one[1]), verdict.start(1)


def _weigh(token: dict[str, Any]) -> float | None:
    """The share of true among the verdicts that could have stood here. Where only the odds of the one that was written
    are told, all the rest counts as the other; None without odds."""
    top = token.get("top_logprobs")
    if not top and token.get("logprob") is not None and (written := _word(token)) in (*_TRUE, *_FALSE):
        return _probability(token) if written in _TRUE else 1.0 - _probability(token)
    if not isinstance(top, list):
        return None
    yes = sum(_probability(one) for one in top if _word(one) in _TRUE)
    no = sum(_probability(one) for one in top if _word(one) in _FALSE)
    if yes + no < 0.1:
        return None
    return yes / (yes + no)


def _word(one: Any) -> str:
    return str(one.get("token", "")).strip(' "\n:').casefold() if isinstance(one, dict) else ""


def _probability(one: dict[str, Any]) -> float:
    value = one.get("logprob")
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return 0.0
    return math.exp(min(float(value), 0.0))
