"""What is forbidden, what is allowed up to a limit, and how an answer or its parts may not begin or end."""

import re
from collections.abc import Callable

from router.checks.grammar.clause import Clause, Reader, Rule, Spec, rule
from router.checks.grammar.keywords import ITEMS
from router.checks.grammar.parts import UNIT, unit_of_part

ReadCore = Callable[[Clause], list[Spec] | None]
_WITH = r"(?:IN |WITH |USE |at )*"
_KIND = r"(?:(?:KEYWORD|WORD|greeting|either) ?:? ?)*"


def _said(read: ReadCore, lead: str, *, negative: bool = False) -> Reader:
    """What the rest says with another lead; only of clauses as negative as asked."""

    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        if clause.is_negative != negative or clause.verbs & {"START", "END"}:
            return None
        tail = match.groupdict().get("tail")
        rest = match.group("rest") + (f" {tail}" if tail else "")
        return read(clause.about(f"{lead} {rest}".strip()))

    return reader


def _neither(read: ReadCore) -> Reader:
    def reader(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        return None if clause.is_negative else read(clause.about(f"NOT USE {match['rest'].replace(' nor ', ' or ')}"))

    return reader


def _not_phrases(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    """The answer, or no part of it, begins or ends with any of these."""
    if not clause.is_negative or "both" in match.group():
        return None
    kind = "starts_with" if match["edge"] == "START" else "ends_with"
    found: list[Spec] = [
        {"type": "not", "check": {"type": kind, "value": text}} for text in clause.literals(match["list"])
    ]
    if match.groupdict().get("unit"):
        return [{"type": "each", "unit": unit_of_part(match), "check": spec} for spec in found]
    return found


def _not_question(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    mark: Spec = {"type": "ends_with_mark", "value": "?？"}
    return [{"type": "not", "check": mark}] if clause.is_negative else None


def rules(read: ReadCore) -> tuple[Rule, ...]:
    """The rules, with the reader for what is forbidden or allowed."""
    return (
        rule(r"(?P<rest>[^§]+?) (?:MUST )?(?:BE )?FORBIDDEN", _said(read, "NOT USE")),
        rule(r"neither (?P<rest>.+? nor .+?)(?: (?:MUST|may|can))?(?: (?:APPEAR|BE|USE|ALLOWED))*", _neither(read)),
        rule(r"(?P<rest>.+?) (?:may|can) (?P<tail>(?:APPEAR|BE|USE) (?:IN )?(?:MOST|FEWER) .+)", _said(read, "")),
        rule(r"there (?:may|can) BE (?P<rest>(?:MOST|FEWER) .+)", _said(read, "USE")),
        rule(r"(?:may|can|could) (?:USE|ANSWER IN) (?P<rest>MOST #.+)", _said(read, "USE")),
        rule(rf"(?P<edge>START|END) (?:ANSWER )?(?:IT )?{_WITH}{_KIND}(?P<list>{ITEMS})", _not_phrases),
        rule(rf"(?P<edge>START|END) (?:any |#1 )?{UNIT} {_WITH}{_KIND}(?P<list>{ITEMS})", _not_phrases),
        rule(r"END (?:ANSWER )?(?:IT )?(?:IN |WITH )*(?:question(?: mark)?)", _not_question),
    )
