"""Lists, bold and capital words, lengths of words, ranges said in other orders."""

import re

from router.checks.grammar.amounts import RELATION, UNIT, N, bounds, limits, unit_of
from router.checks.grammar.clause import Clause, Reader, Rule, Spec, rule

_TEXTS = r"(?:WORD|KEYWORD|phrases?|sentences?|passages?|parts?|sections?)"
_LETTERS = r"(?:letters?|characters?)(?: long)?"


def _counted(unit: str) -> Reader:
    def read(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        found = bounds(match.group("rel"), int(match.group("n")))
        return None if clause.is_negative or found is None else limits(unit, *found)

    return read


def _some_list(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    """A list of that kind, or none."""
    unit = "numbered_items" if match.group("mark") in ("numbered", "ordered") else "bullets"
    if clause.is_negative:
        return [{"type": f"max_{unit}", "value": 0}]
    is_whole = clause.verbs & {"USE", "ANSWER"} or match.group().startswith(("IN", "format"))
    return [{"type": f"min_{unit}", "value": 1}] if is_whole else None


def _range(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return None if clause.is_negative else limits(unit_of(match), int(match["low"]), int(match["high"]))


def _limit(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return None if clause.is_negative else limits(unit_of(match), None, int(match["n"]))


def _list_range(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    unit = "numbered_items" if match["mark"] in ("numbered", "ordered") else "bullets"
    return None if clause.is_negative else limits(unit, int(match["low"]), int(match["high"]))


def _longest(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return [{"type": "word_lengths", "max": int(match["n"])}] if clause.is_negative else None


def _lengths(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = bounds(match.group("rel"), int(match.group("n")))
    if clause.is_negative or found is None:
        return None
    low, high = found
    return [{"type": "word_lengths"} | ({} if low is None else {"min": low}) | ({} if high is None else {"max": high})]


RULES: tuple[Rule, ...] = (
    rule(rf"list (?:{RELATION} )?{N} (?:bullet ?points?|bullets)", _counted("bullets"), "#"),
    rule(
        rf"(?:{RELATION} )?{N} {_TEXTS} (?:IN|BE|MUST BE|APPEAR IN) (?:bold|bolded)(?: ANSWER)?", _counted("bolds"), "#"
    ),
    rule(rf"(?:{RELATION} )?{N} {_TEXTS} (?:IN|BE|MUST BE|APPEAR IN) (?:italics|italicized)", _counted("italics"), "#"),
    rule(
        rf"(?:{RELATION} )?{N} WORD (?:MUST )?(?:BE )?(?:JUST capitali[sz]ed|IN (?:all )?(?:caps|capitals|uppercase))",
        _counted("capital_words"),
        "#",
    ),
    rule(
        r"(?:(?:IN|format|ANSWER|JUST) )*(?P<mark>bullet|bulleted|bullet point|bullet pointed|numbered|ordered) lists?",
        _some_list,
    ),
    rule(rf"(?:JUST )?{N} (?:{UNIT}) BE (?:LIMIT|limit|MOST)", _limit, "#"),
    rule(
        r"(?P<mark>numbered|ordered|bullet|bulleted|bullet point) list IN (?:BETWEEN )?#(?P<low>\d+) (?:to|and) "
        r"#(?P<high>\d+)(?: (?:items?|points?|entries|steps?))?",
        _list_range,
        "#",
    ),
    rule(rf"(?:MOST|IN|EXACTLY) #(?P<low>\d+) (?:to|-) #(?P<high>\d+) (?:{UNIT})", _range, "#"),
    rule(rf"(?:#1 )?WORD (?:MUST |may |can )?(?:BE |USE )?(?:MORE|longer than) {N} {_LETTERS}", _longest, "#"),
    rule(rf"(?:JUST )?WORD (?:IN|that USE|that BE) (?:{RELATION} )?{N} {_LETTERS}(?: EACH)?", _lengths, "#"),
    rule(rf"EACH WORD (?:MUST )?(?:BE |USE )?(?:{RELATION} )?{N} {_LETTERS}", _lengths, "#"),
)
