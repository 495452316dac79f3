"""A clause in canonical words: what only introduces the point is taken off; what is left is matched as a whole."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from router.checks.grammar.lexicon import read_words
from router.checks.grammar.quoting import Quotes

Spec = dict[str, Any]

_TOKEN = re.compile(
    r"§\d+§|\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:st|nd|rd|th)\b|\d+|[a-zà-ÿ]+(?:'[a-z]+)?|<=|>=|[^\s\w]",
)
_SPELLING = (
    (re.compile(r"(\d)\s*-\s*(?=(?:st|nd|rd|th)\b)"), r"\1"),
    (re.compile(r"(\d)\s*(?:-|to)\s*(?=\d)"), r"\1 to "),
    (re.compile(r"(\d[\d,]*)\+|(\d[\d,]*) plus\b"), r"at least \1\2"),
    (re.compile(r"(?<=[a-z\d])-(?=[a-z])"), " "),
    (re.compile(r"\(s\)"), "s"),
    (re.compile(r"\((\d+)\)"), " "),
)
_HARMLESS = frozenset(("ANSWER", "LETTER", "IT", "MUST", "USE", "BE", "KEEP", ",", ":", "you", "and", "but"))
_AMOUNT = ("JUST", "MOST", "FEWER", "LEAST", "MORE", "EXACTLY", "BETWEEN", "#", "no")
_TAIL = re.compile(
    r"(?: ,)?(?: IN| of)? (?:ANSWER|IT)(?: JUST)?$| ,$| (?:IN )?total$| long$| in ANSWER$| overall$| anywhere$| somewhere$| altogether$| IN all$| IN IN$| IN ANSWER as whole$"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """`core`: the point; `is_negative`: said with NOT; `verbs`: the harmless words before it."""

    core: str
    quotes: Quotes
    is_negative: bool = False
    verbs: frozenset[str] = frozenset()
    lead: str = ""
    depth: int = 0

    def literal(self, mark: str) -> str:
        """What stood in the quotes of a mark."""
        return self.quotes.literals[int(mark.strip("§"))]

    def literals(self, text: str) -> list[str]:
        """All literals of a piece, in their order."""
        return [self.literal(mark) for mark in re.findall(r"§\d+§", text)]

    def about(self, core: str) -> "Clause":
        """A clause for a part of this one."""
        return replace(strip(core, self.quotes), depth=self.depth + 1)


Reader = Callable[[re.Match[str], Clause], list[Spec] | None]
Rule = tuple[re.Pattern[str], Reader, str]


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """A text without quotes, in canonical words."""
    text = text.lower()
    for pattern, better in _SPELLING:
        text = pattern.sub(better, text)
    return read_words(_TOKEN.findall(text))


def strip(text: str, quotes: Quotes) -> Clause:
    """Takes off what introduces the point and what trails it; counts negations (two are not understood)."""
    words = text.split()
    position = negations = 0
    while position < len(words):
        word, following = words[position], words[position + 1] if position + 1 < len(words) else ""
        if word in ("NOT", "no") and not (word == "no" and following in ("other",)):
            negations += 1
        elif not _introduces(word, following, words[position - 1] if position else ""):
            break
        position += 1
    core = " ".join(words[position:])
    while True:
        shorter = _TAIL.sub("", core)
        if shorter == core:
            break
        core = shorter
    lead = words[:position]
    if negations > 1:
        return Clause("", quotes)
    return Clause(core, quotes, negations == 1, frozenset(lead), " ".join(lead))


def _introduces(word: str, following: str, before: str) -> bool:
    if word == "LETTER":
        return not following.startswith("§")
    if word == "IN":
        return following in ("ANSWER", "LETTER") or following.startswith(_AMOUNT)
    if word in ("that", "which"):
        return before == "ANSWER"
    return word in _HARMLESS


def first_match(clause: Clause, rules: tuple[Rule, ...]) -> list[Spec] | None:
    """What the first rule that understands the whole core says."""
    core = clause.core
    signs = frozenset(core)
    for pattern, reader, needed in rules:
        if needed and needed not in signs:
            continue
        match = pattern.fullmatch(core)
        if match is not None:
            specs = reader(match, clause)
            if specs is not None:
                return specs
    return None


def rule(pattern: str, reader: Reader, needed: str = "") -> Rule:
    """A rule: the pattern must match the whole core. `needed`: a sign without which it cannot (# number, § literal)."""
    return re.compile(pattern), reader, needed


def fixed(*specs: Spec, negative: bool = False) -> Reader:
    """Always these checks, if the clause is negative or positive as asked."""
    return lambda _match, clause: [dict(spec) for spec in specs] if clause.is_negative == negative else None
