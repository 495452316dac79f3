"""Terse notation as sentences: "50 words +/- 10", "> 100 words", "max length: 50 words", "Format: JSON"."""

import re
from math import ceil, floor

from router.checks.grammar.shapes import LABELS

_UNIT = r"(?:words?|sentences?|paragraphs?|characters?|chars?|lines?|bullets?|bullet points?)"
_N = r"\d{1,3}(?:,\d{3})+|\d+"
_PLUS_MINUS = re.compile(
    rf"\b(?:(?:about|around|approximately|roughly) )?(?P<n>{_N})(?: (?P<unit>{_UNIT}))?,? ?\(?(?:\+ ?/ ?-|±|\+-|plus or minus|give or take) ?(?P<by>{_N})(?P<percent> ?%| percent)?"
    rf"(?: (?P<late>{_UNIT}))?\)?",
    re.IGNORECASE,
)
_COMPARED = re.compile(rf"(?:^|(?<=[,;:(] )|(?<=\())(?P<sign>>=?|≥) ?(?=(?:{_N})\b)")
_LENGTH = re.compile(
    rf"\b(?P<side>max|min)(?:imum)? (?:length|word count|size)(?: of|:| is| =)? ?(?P<amount>(?:{_N}) {_UNIT})\b",
    re.IGNORECASE,
)


def _between(match: re.Match[str]) -> str:
    """The two ends, both allowed; the notation as it stood where it names no unit or two of them."""
    unit = match["unit"] or match["late"]
    if unit is None or (match["unit"] and match["late"] and match["unit"] != match["late"]):
        return match.group()
    n, by = (int(match[name].replace(",", "")) for name in ("n", "by"))
    margin = n * by / 100 if match["percent"] else by
    return f"between {ceil(n - margin)} and {floor(n + margin)} {unit}" if margin < n else match.group()


def _ordered(match: re.Match[str]) -> str:
    return "more than " if match["sign"] == ">" else "at least "


def _limit(match: re.Match[str]) -> str:
    return f"{'at most' if match['side'].lower() == 'max' else 'at least'} {match['amount']}"


def spell_out(text: str) -> str:
    """The text with its labels, signs and margins in words; what is not such notation stays as it is."""
    for pattern, better in LABELS:
        text = pattern.sub(better, text)
    text = _PLUS_MINUS.sub(_between, text)
    text = _COMPARED.sub(_ordered, text)
    return _LENGTH.sub(_limit, text)
