"""Candidates: made from completions, compared, and the best of them chosen. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from router.task import Candidate, Verdict

UNVALIDATED_RANK = 0.5
"""An answer that nobody could check ranks like half a score: above one known to fail, below one known to hold."""


def texts_of(completion: bytes) -> list[str]:
    """The text of each choice; "" for one without."""
    return [_text(choice) for choice in _choices(completion)]


def tool_calls_of(completion: bytes) -> list[Mapping[str, Any]]:
    """The tool calls of the first choice, a legacy function call included."""
    choices = _choices(completion)
    message = choices[0].get("message") if choices else None
    if not isinstance(message, dict):
        return []
    calls: list[Mapping[str, Any]] = [call for call in message.get("tool_calls") or () if isinstance(call, dict)]
    legacy = message.get("function_call")
    return [*calls, {"type": "function", "function": legacy}] if isinstance(legacy, dict) else calls


def best_of(candidates: Sequence[Candidate], support: Mapping[str, float] | None = None) -> Candidate:
    """The highest score, then the fewest failed, then agreement (`support` by id), then the cheapest, the earliest."""
    support = support or {}
    return max(
        candidates,
        key=lambda c: (
            UNVALIDATED_RANK if c.score is None else c.score,
            -sum(not verdict.passed for verdict in c.verdicts),
            sum(verdict.score or 0.0 for verdict in c.verdicts),
            round(support.get(c.id, 0.0), 6),
            -c.nanodollars,
            -c.ended_seconds,
        ),
    )


def is_settled(candidate: Candidate) -> bool:
    """Is nothing left to be wished for, and surely so? All verdicts passed, none by a judge, who may err."""
    known = bool(candidate.verdicts) and all(verdict.passed for verdict in candidate.verdicts)
    return known and all(verdict.source != "judge" for verdict in candidate.verdicts)


def merge_verdicts(first: Sequence[Verdict], second: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Two judges' words on one candidate: the lower score counts, unless one could not say."""
    later = {verdict.requirement: verdict for verdict in second}
    return tuple(_lower(verdict, later.get(verdict.requirement)) for verdict in first)


def worst_verdicts(choices: Sequence[Sequence[Verdict]]) -> tuple[Verdict, ...]:
    """Verdicts of an answer with several choices: each requirement is as good as in its worst choice."""
    return tuple(min(same, key=lambda verdict: _rank(verdict.score)) for same in zip(*choices, strict=True))


def _lower(first: Verdict, second: Verdict | None) -> Verdict:
    if second is None or second.score is None:
        return first
    if first.score is None:
        return second
    return second if second.score < first.score else replace(first, confidence=max(first.confidence, second.confidence))


def _rank(score: float | None) -> float:
    """Failed before not validated before satisfied."""
    return 0.999 if score is None else score


def _choices(completion: bytes) -> list[dict[str, Any]]:
    try:
        answer = msgspec.json.decode(completion)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    choices = answer.get("choices") if isinstance(answer, dict) else None
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _text(choice: Mapping[str, Any]) -> str:
    message = choice.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""
