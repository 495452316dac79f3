"""Counting checks: at most, at least, or exactly so many words, sentences, paragraphs, …"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from router.checks import texts
from router.checks.check import Answer, Finding
from router.checks.marks import emojis, headings, highlights, italics, quotations, tables

Limit = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: the limit."""

    value: Limit


class Divided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: the limit; `separator`: what divides paragraphs (default: blank lines)."""

    value: Limit
    separator: str = ""


class Marked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: the limit; `marker`: the word before each section's number."""

    value: Limit
    marker: Text = "Section"


Counter = Callable[[str], int]


def _matches(pattern: str) -> Counter:
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda text: len(compiled.findall(text))


COUNTERS: dict[str, Counter] = {
    "words": lambda text: len(texts.words(text)),
    "unique_words": lambda text: len({token.casefold() for token in texts.tokens(text)}),
    "sentences": lambda text: len(texts.sentences(text)),
    "characters": len,
    "nonspace_characters": lambda text: sum(not character.isspace() for character in text),
    "letters": lambda text: sum(map(str.isalpha, text)),
    "lines": lambda text: len(texts.lines(text)),
    "bullets": lambda text: len(texts.bullets(text)),
    "numbered_items": lambda text: len(texts.numbered(text)),
    "list_items": lambda text: len(texts.bullets(text)) + len(texts.numbered(text)),
    "headings": lambda text: len(headings(text)),
    "highlights": lambda text: len(highlights(text)),
    "italics": lambda text: len(italics(text)),
    "bolds": _matches(r"\*\*[^\n*]*[^\s*][^\n*]*\*\*|(?<!\w)__[^\n_]+__(?!\w)"),
    "placeholders": _matches(r"\[[^\[\]\n]*\]"),
    "capital_words": lambda text: sum(map(str.isupper, re.findall(r"\w+(?:[-.]\w+)*", text))),
    "numbers": _matches(r"(?<![\w.,])-?\d+(?:[.,]\d+)*|(?<=[a-zA-Z])\d+"),
    "digits": lambda text: sum(map(str.isdigit, text)),
    "urls": _matches(r"\b(?:https?://|www\.)[^\s)\]>\"']+"),
    "questions": lambda text: text.count("?") + text.count("？"),
    "exclamations": lambda text: text.count("!") + text.count("！"),
    "commas": lambda text: text.count(","),
    "semicolons": lambda text: text.count(";"),
    "colons": lambda text: text.count(":"),
    "emojis": lambda text: len(emojis(text)),
    "hashtags": _matches(r"(?<![\w#&])#[^\W\d_]\w*"),
    "code_blocks": lambda text: len(re.findall(r"^[ \t]*```", text, re.MULTILINE)) // 2,
    "tables": lambda text: len(tables(text)),
    "quotations": lambda text: len(quotations(text)),
}

GROWING = frozenset(
    [
        "words",
        "unique_words",
        "characters",
        "nonspace_characters",
        "letters",
        "commas",
        "semicolons",
        "colons",
        "exclamations",
        "questions",
    ]
)
"""Counts that can only grow as an answer is written."""


def at_most(count: int, limit: int, unit: str) -> Finding:
    """Graded by how far over: 62 of 50 is 1 - 12/50."""
    if count <= limit:
        return Finding(1.0, f"{count} {unit}, limit {limit}")
    return Finding(max(0.0, 1.0 - (count - limit) / max(limit, 1)), f"{count} {unit}, limit {limit}")


def at_least(count: int, limit: int, unit: str) -> Finding:
    """Graded by the share that is there."""
    if count >= limit:
        return Finding(1.0, f"{count} {unit}, at least {limit} wanted")
    return Finding(count / limit, f"{count} {unit}, at least {limit} wanted")


def exactly(count: int, wanted: int, unit: str) -> Finding:
    """Graded by the distance."""
    if count == wanted:
        return Finding(1.0, f"{count} {unit}, as wanted")
    return Finding(max(0.0, 1.0 - abs(count - wanted) / max(wanted, 1)), f"{count} {unit}, exactly {wanted} wanted")


def within(count: int, low: int | None, high: int | None, unit: str) -> Finding:
    """Between two limits; either may be missing."""
    if low is not None and low == high:
        return exactly(count, low, unit)
    findings = []
    if low is not None:
        findings.append(at_least(count, low, unit))
    if high is not None:
        findings.append(at_most(count, high, unit))
    return min(findings, key=lambda f: f.score or 0.0) if findings else Finding(1.0, f"{count} {unit}")


def _kinds(unit: str, counter: Counter) -> dict[str, tuple[type[msgspec.Struct], Any, Any]]:
    shown = unit.replace("_", " ")

    def over(partial: str, p: Count) -> bool:
        return counter(partial) > p.value + 1

    growing = over if unit in GROWING else None
    return {
        f"max_{unit}": (Count, lambda a, p: at_most(counter(a.text), p.value, shown), growing),
        f"min_{unit}": (Count, lambda a, p: at_least(counter(a.text), p.value, shown), None),
        f"exact_{unit}": (Count, lambda a, p: exactly(counter(a.text), p.value, shown), growing),
    }


def _counting(
    unit: str, parameters: type[msgspec.Struct], counter: Callable[[str, Any], int]
) -> dict[str, tuple[type[msgspec.Struct], Any, Any]]:
    return {
        f"max_{unit}": (parameters, lambda a, p: at_most(counter(a.text, p), p.value, unit), None),
        f"min_{unit}": (parameters, lambda a, p: at_least(counter(a.text, p), p.value, unit), None),
        f"exact_{unit}": (parameters, lambda a, p: exactly(counter(a.text, p), p.value, unit), None),
    }


def _sections(text: str, p: Marked) -> int:
    return len(re.findall(rf"\b{re.escape(p.marker.strip())}\s?\d+", text))


class KeywordCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often `keyword` occurs (its plural and the like too, any case): at least `min`, at most `max`."""

    keyword: Text
    min: Limit | None = None
    max: Limit | None = None


class LetterCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often `letter` occurs (any case): at least `min`, at most `max`."""

    letter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)]
    min: Limit | None = None
    max: Limit | None = None


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the items in `of`: at least `min`, at most `max` different ones occur."""

    of: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=500)]
    min: Limit | None = None
    max: Limit | None = None


def keyword_count(answer: Answer, p: KeywordCount) -> Finding:
    """Counts a keyword."""
    return within(texts.occurrences(answer.text, p.keyword, True), p.min, p.max, f"times '{p.keyword}'")


def letter_count(answer: Answer, p: LetterCount) -> Finding:
    """Counts a letter."""
    return within(answer.text.casefold().count(p.letter.casefold()), p.min, p.max, f"times '{p.letter}'")


def some_of(answer: Answer, p: Share) -> Finding:
    """Counts which of a list occur."""
    count = sum(texts.occurs(answer.text, item) for item in p.of)
    return within(count, p.min, p.max, f"of {len(p.of)} items")


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    **{name: kind for unit, counter in COUNTERS.items() for name, kind in _kinds(unit, counter).items()},
    **_counting("paragraphs", Divided, lambda text, p: len(texts.paragraphs(text, p.separator))),
    **_counting("sections", Marked, _sections),
    "keyword_count": (KeywordCount, keyword_count, None),
    "letter_count": (LetterCount, letter_count, None),
    "some_of": (Share, some_of, None),
}
