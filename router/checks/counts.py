"""Counting checks: at most, at least, or exactly so many words, sentences, paragraphs, …"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from router.checks import texts
from router.checks.check import Answer, Finding


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: the limit."""

    value: int

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError("value must not be negative")


Counter = Callable[[str], int]

COUNTERS: dict[str, Counter] = {
    "words": lambda text: len(texts.words(text)),
    "sentences": lambda text: len(texts.sentences(text)),
    "paragraphs": lambda text: len(texts.paragraphs(text)),
    "characters": len,
    "lines": lambda text: len(texts.lines(text)),
    "bullets": lambda text: len(texts.bullets(text)),
    "headings": lambda text: len(re.findall(r"^#{1,6}\s+\S", text, re.MULTILINE)),
    "sections": lambda text: len(
        re.findall(r"^\W*(?:section|chapter|part|day)\s+\w+", text, re.MULTILINE | re.IGNORECASE)
    ),
    "highlights": lambda text: len(re.findall(r"(?<!\*)\*[^\n*]+\*(?!\*)|\*\*[^\n*]+\*\*", text)),
    "placeholders": lambda text: len(re.findall(r"\[[^\[\]\n]+\]", text)),
    "capital_words": lambda text: sum(word.isupper() and any(map(str.isalpha, word)) for word in texts.words(text)),
    "numbers": lambda text: len(re.findall(r"(?<![\w.])\d+(?:[.,]\d+)*", text)),
    "urls": lambda text: len(re.findall(r"https?://[^\s)\]>\"']+", text)),
    "questions": lambda text: text.count("?"),
    "exclamations": lambda text: text.count("!"),
    "commas": lambda text: text.count(","),
    "emojis": lambda text: len(re.findall("[\U0001f300-\U0001faff\u2600-\u27bf]", text)),
}

GROWING = ("words", "sentences", "characters", "commas", "exclamations", "questions", "urls")
"""Counts that can only grow as an answer is written, but for the last unit, which may still be open."""


def at_most(count: int, limit: int, unit: str) -> Finding:
    """Graded by how far over: 62 of 50 is 1 - 12/50."""
    if count <= limit:
        return Finding(1.0, f"{count} {unit}, limit {limit}")
    return Finding(max(0.0, 1.0 - (count - limit) / max(limit, 1)) * 0.999, f"{count} {unit}, limit {limit}")


def at_least(count: int, limit: int, unit: str) -> Finding:
    """Graded by the share that is there."""
    if count >= limit:
        return Finding(1.0, f"{count} {unit}, at least {limit} wanted")
    return Finding(count / limit, f"{count} {unit}, at least {limit} wanted")


def exactly(count: int, wanted: int, unit: str) -> Finding:
    """Graded by the distance."""
    if count == wanted:
        return Finding(1.0, f"{count} {unit}, as wanted")
    return Finding(
        max(0.0, 1.0 - abs(count - wanted) / max(wanted, 1)) * 0.999, f"{count} {unit}, exactly {wanted} wanted"
    )


def _kinds(unit: str, counter: Counter) -> dict[str, tuple[type[Count], Any, Any]]:
    shown = unit.replace("_", " ")

    def over(partial: str, p: Count) -> bool:
        return counter(partial) > p.value + 1

    growing = over if unit in GROWING else None
    return {
        f"max_{unit}": (Count, lambda a, p: at_most(counter(a.text), p.value, shown), growing),
        f"min_{unit}": (Count, lambda a, p: at_least(counter(a.text), p.value, shown), None),
        f"exact_{unit}": (Count, lambda a, p: exactly(counter(a.text), p.value, shown), growing),
    }


class KeywordCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often `keyword` occurs (whole words, any case): at least `min`, at most `max`."""

    keyword: str
    min: int | None = None
    max: int | None = None


class LetterCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often `letter` occurs (any case): at least `min`, at most `max`."""

    letter: str
    min: int | None = None
    max: int | None = None


def _between(count: int, low: int | None, high: int | None, unit: str) -> Finding:
    if low is not None and high is not None and low == high:
        return exactly(count, low, unit)
    findings = []
    if low is not None:
        findings.append(at_least(count, low, unit))
    if high is not None:
        findings.append(at_most(count, high, unit))
    return min(findings, key=lambda f: f.score or 0.0) if findings else Finding(1.0, f"{count} {unit}")


def keyword_count(answer: Answer, p: KeywordCount) -> Finding:
    """Counts a keyword."""
    return _between(texts.occurrences(answer.text, p.keyword), p.min, p.max, f"times '{p.keyword}'")


def letter_count(answer: Answer, p: LetterCount) -> Finding:
    """Counts a letter."""
    return _between(answer.text.casefold().count(p.letter.casefold()), p.min, p.max, f"times '{p.letter}'")


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    **{name: kind for unit, counter in COUNTERS.items() for name, kind in _kinds(unit, counter).items()},
    "keyword_count": (KeywordCount, keyword_count, None),
    "letter_count": (LetterCount, letter_count, None),
}
