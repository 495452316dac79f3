"""Requirements about each part of an answer, or about the n-th one."""

import re
from collections.abc import Callable

from router.checks.grammar.clause import Clause, Rule, Spec, rule

UNIT = (
    r"(?P<unit>WORD|sentences?|paragraphs?|lines?|bullets?(?: ?points?)?|bulletpoints?|list items?|headings?|stanzas?)"
)
ReadCore = Callable[[Clause], list[Spec] | None]
_NAMES = {"WORD": "word", "stanza": "paragraph", "list item": "bullet"}
_WHOLE = frozenset(
    [
        "title",
        "postscript",
        "different_answers",
        "template",
        "repeats_prompt",
        "json",
        "yaml",
        "xml",
        "csv",
        "sql",
        "python",
        "json_schema",
        "json_keys",
        "one_of",
        "quoted",
    ]
)


def unit_of_part(match: re.Match[str]) -> str:
    """The name of the part that a match speaks of."""
    name = match.group("unit").rstrip("s")
    return _NAMES.get(name, "bullet" if name.startswith(("bullet", "list")) else name)


def _inner(text: str, clause: Clause, read: ReadCore, *, is_negative: bool) -> list[Spec] | None:
    """The checks of a predicate; None if they make no sense for a part."""
    specs = read(clause.about(f"NOT {text}" if is_negative else text))
    if not specs or any(spec["type"] in _WHOLE for spec in specs):
        return None
    return specs


def _each(read: ReadCore) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        """ "Not every sentence …" says nothing of any one sentence."""
        specs = None if clause.is_negative else _inner(match.group("rest"), clause, read, is_negative=False)
        if specs is None:
            return None
        return [{"type": "each", "unit": unit_of_part(match), "check": spec} for spec in specs]

    return reader


def _trailing_each(read: ReadCore) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        """ "Do not use commas in every sentence" may allow them in some: only limits are sure."""
        rest = f"{clause.lead} {match.group('rest')}".strip()
        if clause.is_negative and not re.search(r"\b(?:MORE|FEWER)\b", rest):
            return None
        specs = _inner(rest, clause, read, is_negative=False)
        if specs is None:
            return None
        return [{"type": "each", "unit": unit_of_part(match), "check": spec} for spec in specs]

    return reader


def _none(read: ReadCore) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    """No sentence may have more than …"""

    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        if not clause.is_negative or not re.match(r"(?:MORE|FEWER|USE|BE|longer|shorter)", match.group("rest")):
            return None
        specs = _inner(match.group("rest"), clause, read, is_negative=True)
        if specs is None:
            return None
        return [{"type": "each", "unit": unit_of_part(match), "check": spec} for spec in specs]

    return reader


def _nth(read: ReadCore, *, is_trailing: bool) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        groups = match.groupdict()
        rest = match.group("rest")
        if is_trailing:
            rest = f"{clause.lead} {rest}".strip()
        specs = _inner(rest, clause, read, is_negative=clause.is_negative and not is_trailing)
        if specs is None:
            return None
        number = int(groups.get("nth") or groups["number"])
        return [{"type": "part", "unit": unit_of_part(match), "n": number, "check": spec} for spec in specs]

    return reader


def _counted_each(read: ReadCore) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    """ "3 paragraphs of 2 sentences each": how many parts, and what holds of each."""

    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        counted = None if clause.is_negative else read(clause.about(f"USE {match.group('count')}"))
        specs = _inner(match.group("rest"), clause, read, is_negative=False)
        if counted is None or specs is None:
            return None
        return counted + [{"type": "each", "unit": unit_of_part(match), "check": spec} for spec in specs]

    return reader


_COUNT = rf"(?P<count>(?:(?:MOST|FEWER|LEAST|MORE|EXACTLY|JUST) )?#\d+ {UNIT})"
_NTH = rf"(?:@(?P<nth>-?\d+) {UNIT}|UNIT)".replace("|UNIT", "")
_NUMBERED = UNIT.replace("?P<unit>", "?P<unit>") + r" (?:number )?#(?P<number>\d+)"
_OF = r"(?: IN ANSWER)?"


def rules(read: ReadCore) -> tuple[Rule, ...]:
    """The rules, with the reader for what is said of a part."""
    return (
        rule(rf"(?:all|EACH) (?:IN )?{UNIT}{_OF} (?:(?:MUST|that|which) )*(?P<rest>.+)", _each(read)),
        rule(
            r"(?P<unit>sentences|paragraphs|lines|bullets|bullet points)(?: IN ANSWER)? (?:MUST )?"
            r"(?P<rest>(?:(?:NOT )?BE |NOT USE |USE )?(?:MOST|FEWER|LEAST|MORE|EXACTLY|BETWEEN) .+)",
            _each(read),
        ),
        rule(rf"(?:START|END)(?: off)? (?:EACH|all) {UNIT} (?P<rest>.+)", _edge_each(read)),
        rule(rf"(?:LIMIT )?(?:EACH|all) {UNIT} to (?:MOST )?(?P<rest>#\d+ .+)", _limited_each(read)),
        rule(rf"{_COUNT}(?: ,| \()? EACH (?:IN (?:which|them) |one )?(?:MUST )?(?P<rest>.+)", _counted_each(read)),
        rule(
            rf"{_COUNT}(?: ,| \()? (?:(?:IN|USE|that USE|that BE) )*(?P<rest>(?:[A-Z]+ )?#\d+ [^,§]+?) EACH\b",
            _counted_each(read),
        ),
        rule(rf"(?P<rest>.+?)(?: IN)? EACH {UNIT}", _trailing_each(read)),
        rule(rf"(?:#1 )?{UNIT}{_OF} (?:(?:MUST|may|can) )*(?P<rest>.+)", _none(read)),
        rule(rf"(?:IN )?{_NTH}{_OF}(?: ,)? (?:MUST )?(?P<rest>.+)", _nth(read, is_trailing=False)),
        rule(rf"(?:IN )?{_NUMBERED}{_OF}(?: ,)? (?:MUST )?(?P<rest>.+)", _nth(read, is_trailing=False)),
        rule(rf"(?P<edge>START|END) @(?P<nth>-?\d+) {UNIT}{_OF} (?P<rest>.+)", _edge_nth(read)),
        rule(rf"(?P<rest>.+) IN @(?P<nth>-?\d+) {UNIT}{_OF}", _nth(read, is_trailing=True)),
        rule(rf"(?P<rest>.+) IN {_NUMBERED}", _nth(read, is_trailing=True)),
        rule(
            r"KEYWORD (?P<q>§\d+§) IN @(?P<s>\d+) sentence ,? ?IN @(?P<w>\d+) WORD(?: IN that sentence)?",
            lambda m, c: [_word_in_sentence(c.literal(m.group("q")), int(m.group("s")), int(m.group("w")))],
        ),
    )


def _word_in_sentence(word: str, sentence: int, position: int) -> Spec:
    inner = {"type": "part", "unit": "word", "n": position, "check": {"type": "first_word", "value": word}}
    return {"type": "part", "unit": "sentence", "n": sentence, "check": inner}


def _edge_each(read: ReadCore) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        if clause.is_negative:
            return None
        specs = _inner(f"{match.group().split()[0]} {match.group('rest')}", clause, read, is_negative=False)
        return (
            None if specs is None else [{"type": "each", "unit": unit_of_part(match), "check": spec} for spec in specs]
        )

    return reader


def _limited_each(read: ReadCore) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    """ "Limit each bullet to one sentence"."""

    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        specs = None if clause.is_negative else _inner(f"USE MOST {match['rest']}", clause, read, is_negative=False)
        return specs and [{"type": "each", "unit": unit_of_part(match), "check": spec} for spec in specs]

    return reader


def _edge_nth(read: ReadCore) -> Callable[[re.Match[str], Clause], list[Spec] | None]:
    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        specs = _inner(f"{match.group('edge')} {match.group('rest')}", clause, read, is_negative=clause.is_negative)
        number = int(match.group("nth"))
        return (
            None
            if specs is None
            else [{"type": "part", "unit": unit_of_part(match), "n": number, "check": s} for s in specs]
        )

    return reader
