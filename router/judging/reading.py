"""Reads a judge's reply: heals what small models do to JSON, and believes no pass without evidence."""

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec

_FENCE = re.compile(r"^```[a-z]*\s*|\s*```$", re.MULTILINE)
_TRAILING_COMMA = re.compile(r",\s*([}\]])")


@dataclass(frozen=True, slots=True)
class Opinion:
    """A judge's word on one requirement."""

    score: float
    reason: str
    confidence: float


def read_opinions(completion: bytes, answer: str, count: int) -> dict[int, Opinion]:
    """Opinions by question index (0-based); nothing where the reply says nothing usable."""
    text = reply_text(completion)
    found = _find_verdicts(_parse(text))
    opinions: dict[int, Opinion] = {}
    for position, verdict in enumerate(found):
        number = verdict.get("id", position + 1)
        index = number - 1 if isinstance(number, int) and not isinstance(number, bool) else position
        opinion = _opinion(verdict, answer)
        if 0 <= index < count and opinion is not None and index not in opinions:
            opinions[index] = opinion
    return opinions


def reply_text(completion: bytes) -> str:
    """The text of a chat completion's first choice; "" if there is none."""
    try:
        body = msgspec.json.decode(completion)
        content = body["choices"][0]["message"].get("content")
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        return ""
    return content if isinstance(content, str) else ""


def _parse(text: str) -> Any:
    """JSON, also fenced, with trailing commas, or cut off after some whole verdicts."""
    body = _FENCE.sub("", text).strip()
    start = min((i for i in (body.find("{"), body.find("[")) if i >= 0), default=-1)
    if start < 0:
        return None
    body = _TRAILING_COMMA.sub(r"\1", body[start:])
    for tail in ("", "]}", "}]}", '"}]}', "}"):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(body + tail)
        except ValueError:
            continue
        return value
    return None


def _find_verdicts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        inner = value.get("verdicts", value.get("results"))
        value = inner if isinstance(inner, list) else [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _opinion(verdict: dict[str, Any], answer: str) -> Opinion | None:
    satisfied = verdict.get("satisfied", verdict.get("verdict"))
    if isinstance(satisfied, str):
        satisfied = {"true": True, "yes": True, "false": False, "no": False}.get(satisfied.strip().lower())
    if not isinstance(satisfied, bool):
        return None
    confidence, reason = _share(verdict.get("confidence"), 0.7), str(verdict.get("reason") or "").strip()[:300]
    graded = _share(verdict.get("score"), 1.0 if satisfied else 0.0)
    if not satisfied:
        return Opinion(min(graded, 0.99), reason or "judged not satisfied", confidence)
    evidence = verdict.get("evidence")
    if isinstance(evidence, str) and evidence.strip() and not _occurs(evidence, answer):
        return Opinion(0.5, "judged satisfied, but the quoted evidence is not in the answer", min(confidence, 0.5))
    return Opinion(1.0, reason or "judged satisfied", confidence)


def _occurs(evidence: str, answer: str) -> bool:
    return _plain(evidence) in _plain(answer)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.casefold()).split())


def _share(value: Any, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return default
    return float(value)
