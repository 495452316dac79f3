"""Reads a judge's reply: believes no verdict without the requirement's own number, and no pass whose evidence is not
in the answer."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from router.judging.healing import find_verdicts
from router.judging.probabilities import verdict_probabilities

UNSTATED = 0.85
"""The confidence of a verdict that states none: sure enough for a mandatory requirement, no more."""
UNQUOTED = 0.9
"""The most that a pass without any quotation may claim in words."""
UNFOUNDED = (0.36, 0.49)
"""Where a pass stands whose quotation is not in the answer, by its P(satisfied): in a bin of its own below one half. It
fails, unless the judge's labels tell that such words of it are to be believed (`errors.py`)."""
NEAR = 0.8
"""The share of a quotation's words that must stand in the answer in one piece, for one of at least `NEAR_WORDS`."""
NEAR_WORDS = 4

_WORD = re.compile(r"\W*(yes|no|true|false|satisfied|not satisfied)\s*(?:[.,;:!*]|$)", re.IGNORECASE | re.MULTILINE)
_MARKED = re.compile(r"[\"“«](.+?)[\"”»]|(?<!\w)['‘](.+?)['’](?!\w)")
_ELLIPSIS = re.compile(r"\.\.\.|…|\[\.+\]")


@dataclass(frozen=True, slots=True)
class Opinion:
    """A judge's word on one requirement: P(satisfied) as it claims, and a graded score below 1 if it is not."""

    probability: float
    score: float
    reason: str
    judge: str = ""

    @property
    def is_pass(self) -> bool:
        """Does the judge rather say yes?"""
        return self.probability >= 0.5


def read_opinions(completion: bytes, answer: str, numbers: Sequence[int]) -> dict[int, Opinion]:
    """Opinions by requirement number. Of several words on one requirement, the most doubtful counts."""
    text, tokens = reply_of(completion)
    weighed = verdict_probabilities(tokens)
    found: dict[int, Opinion] = {}
    for verdict in find_verdicts(text):
        number = _number(verdict, numbers)
        opinion = None if number is None else _opinion(verdict, answer, weighed.get(number))
        if number is None or opinion is None:
            continue
        known = found.get(number)
        found[number] = opinion if known is None or opinion.probability < known.probability else known
    if not found and len(numbers) == 1 and (word := _WORD.match(text)):
        satisfied = word[1].lower() in ("yes", "true", "satisfied")
        found[numbers[0]] = Opinion(UNSTATED, 1.0, "judged satisfied") if satisfied else _failed(1 - UNSTATED, 0.0, "")
    return found


def reply_of(completion: bytes) -> tuple[str, Any]:
    """The text of a chat completion's first choice ("" if there is none) and its tokens' probabilities, if told."""
    try:
        choice = msgspec.json.decode(completion)["choices"][0]
        content, logprobs = choice["message"].get("content"), choice.get("logprobs")
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, IndexError, TypeError, AttributeError):
        return "", None
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    return content if isinstance(content, str) else "", tokens


def reply_text(completion: bytes) -> str:
    """The text of a chat completion's first choice; "" if there is none."""
    return reply_of(completion)[0]


def _number(verdict: dict[str, Any], numbers: Sequence[int]) -> int | None:
    """Which requirement a verdict speaks of; one without a number only where there is one requirement."""
    told = verdict.get("id")
    if told is None:
        return numbers[0] if len(numbers) == 1 else None
    if isinstance(told, str) and told.strip().isdecimal():
        told = int(told.strip()[:9])
    return told if isinstance(told, int) and not isinstance(told, bool) and told in numbers else None


def _opinion(verdict: dict[str, Any], answer: str, weighed: float | None) -> Opinion | None:
    satisfied = _truth(verdict.get("satisfied", verdict.get("verdict")))
    if satisfied is None:
        return None
    confidence = _share(verdict.get("confidence"), UNSTATED)
    probability = weighed if weighed is not None else confidence if satisfied else 1.0 - confidence
    if weighed is None:
        probability = max(probability, 0.5) if satisfied else min(probability, 0.49)
    quote, reason = _text(verdict, "evidence"), _text(verdict, "reason")
    if probability < 0.5:
        return _failed(probability, _share(verdict.get("score"), 0.0), _with_passage(reason, quote, answer))
    if quote and not occurs(quote, answer):
        unfounded = "judged satisfied, but the quoted evidence is not in the answer"
        return _failed(UNFOUNDED[0] + (UNFOUNDED[1] - UNFOUNDED[0]) * probability, 0.5, unfounded)
    if weighed is None and not quote:
        probability = min(probability, UNQUOTED)
    return Opinion(probability, 1.0, reason or "judged satisfied")


def _failed(probability: float, score: float, reason: str) -> Opinion:
    return Opinion(probability, min(score, 0.99), reason or "judged not satisfied")


def _with_passage(reason: str, quote: str, answer: str) -> str:
    """The reason with the passage that breaks the requirement, where it is truly there."""
    return f'{reason} (in: "{quote}")'.strip() if quote and occurs(quote, answer) else reason


def occurs(quote: str, answer: str) -> bool:
    """Does every part of a quotation stand in the answer, whatever its spaces, case and punctuation?

    A judge that explains where it should quote is taken by what it puts in quotation marks. Of a long part, nearly
    all words in one piece are enough.
    """
    plain = f" {_plain(answer)} "
    if all(_stands(part, plain) for part in map(_plain, _ELLIPSIS.split(quote))):
        return True
    marked = [_plain(match[1] or match[2]) for match in _MARKED.finditer(quote)]
    return bool(marked) and all(part and _stands(part, plain) for part in marked)


def _stands(part: str, plain: str) -> bool:
    words = part.split()
    if part in plain or len(words) < NEAR_WORDS:
        return part in plain
    most = math.ceil(NEAR * len(words))
    return any(f" {' '.join(words[start : start + most])} " in plain for start in range(len(words) - most + 1))


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w\s]", " ", text).split())


def _text(verdict: dict[str, Any], name: str) -> str:
    value = verdict.get(name)
    return " ".join(value.split())[:300] if isinstance(value, str) else ""


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _share(value: Any, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1 or math.isnan(value):
        return default
    return float(value)
