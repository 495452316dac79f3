"""Which words and letters must or must not occur, and how often."""

import re

from router.checks.grammar.amounts import POST, RELATION, N, bounds, opposite
from router.checks.grammar.clause import Clause, Reader, Rule, Spec, rule

Q = r"§\d+§"
ITEMS = rf"{Q}(?: (?:,|and|or|nor|, and|, or|&|/|;) {Q})*"
LIST = rf"(?P<list>{ITEMS})"
K = r"(?:(?:all |any |all IN |any IN |IN |both )*(?:KEYWORD|WORD|LETTER)(?: IN)?(?: KEYWORD)? ?:? ?)"
_APPEAR = r"(?:MUST )?(?:APPEAR|BE|USE)"
_MANY = rf"(?:IN )?(?:{RELATION} )?{N}{POST} times?(?: (?P<late>OR_FEWER|OR_MORE|MOST|LEAST))?"
_RANGE = r"(?:BETWEEN )?#(?P<low>\d+) (?:and|to) #(?P<high>\d+) times"


def _spec(kind: str, name: str, text: str, low: int | None, high: int | None) -> list[Spec] | None:
    if high is not None and high < (low or 0):
        return None
    found: Spec = {"type": kind, name: text}
    found |= {} if low is None else {"min": low}
    return [found if high is None else found | {"max": high}]


def _counted(text: str, is_letter: bool, low: int | None, high: int | None) -> list[Spec] | None:
    if is_letter:
        return _spec("letter_count", "letter", text, low, high) if len(text) == 1 else None
    return _spec("keyword_count", "keyword", text, low, high)


def _often(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    n, relation = int(match.group("n")), match.group("rel")
    post, late = match.group("post"), match.group("late")
    if late and (relation or post):
        return None
    post = late or post
    found = opposite(relation, post, n) if clause.is_negative else bounds(relation, n, post)
    specs: list[Spec] = []
    for text in clause.literals(match.group("list")):
        counted = None if found is None else _counted(text, "LETTER" in match.group("kind"), *found)
        if counted is None:
            return None
        specs += counted
    return specs


def _often_between(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    if clause.is_negative:
        return None
    text = clause.literals(match.group("list"))[0]
    return _counted(text, "LETTER" in match.group("kind"), int(match.group("low")), int(match.group("high")))


def _listed(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    """Contains all, any, or none of a list; "or" means any where it is asked for, and none where it is forbidden."""
    kind, found = match.group("kind") or "", clause.literals(match.group("list"))
    if not clause.verbs & {"USE", "NOT", "no"} and not kind.strip():
        return None
    if "LETTER" in kind and all(len(text) == 1 for text in found):
        return _letters(found, clause)
    is_loose = " or " in match.group("list") or "any" in kind
    if clause.is_negative:
        if clause.verbs & {"START", "END"} or (" and " in match.group("list") and "both" in kind):
            return None
        return [{"type": "excludes", "value": found}]
    if not clause.verbs & {"USE"}:
        return None
    return [{"type": "contains_any" if is_loose and len(found) > 1 else "contains", "value": found}]


def _letters(found: list[str], clause: Clause) -> list[Spec] | None:
    if clause.is_negative:
        both = "".join(dict.fromkeys(case for text in found for case in (text.lower(), text.upper())))
        return [{"type": "excludes_characters", "value": both}]
    return [spec for text in found for spec in _spec("letter_count", "letter", text, 1, None) or []]


def _passive(is_negative: bool) -> Reader:
    def read(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        if clause.is_negative and (is_negative or match.groupdict().get("not")):
            return None
        found = clause.literals(match.group("list"))
        if is_negative or match.groupdict().get("not") or clause.is_negative:
            return [{"type": "excludes", "value": found}]
        loose = " or " in match.group("list") and len(found) > 1
        return [{"type": "contains_any" if loose else "contains", "value": found}]

    return read


def _some(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = bounds(match.group("rel") or "LEAST", int(match.group("n")))
    if len(clause.literals(match.group("list"))) < 2:
        return None
    if clause.is_negative or found is None or "USE" not in clause.verbs:
        return None
    low, high = found
    spec: Spec = {"type": "some_of", "of": clause.literals(match.group("list"))}
    spec |= {} if low is None else {"min": low}
    return [spec if high is None else spec | {"max": high}]


_KIND = rf"(?P<kind>(?:{K}|(?:both|all|any|any IN|either) )?)"
_LITERAL: tuple[Rule, ...] = (
    rule(rf"{_KIND}{LIST}(?: ,)? (?:{_APPEAR} )?(?:IN ANSWER )?{_MANY}(?: each| EACH)?", _often),
    rule(rf"{_KIND}{LIST} (?:{_APPEAR} )?{_RANGE}", _often_between),
    rule(rf"(?:repeat|APPEAR) {_KIND}{LIST} {_MANY}", _often),
    rule(rf"{_MANY} {_KIND}{LIST}", _often),
    rule(rf"work {_KIND}{LIST}(?: IN| IN ANSWER| IN IT)*", _passive(False)),
    rule(rf"(?P<kind>){LIST} placeholders?", _listed),
    rule(rf"{_KIND}{LIST}(?: (?:IN IT|APPEAR|ALLOWED|JUST|together))?", _listed),
    rule(rf"{_KIND}{LIST} (?:MUST )?(?P<not>NOT )?(?:ALSO )?(?:both |all )?(?:APPEAR|USE)", _passive(False)),
    rule(rf"{_KIND}{LIST} (?:MUST )?(?:BE )?FORBIDDEN", _passive(True)),
    rule(rf"{_KIND}{LIST} MUST BE? ?FORBIDDEN", _passive(True)),
    rule(
        rf"(?:{RELATION} )?{N} (?:different )?(?:IN )?(?:KEYWORD|WORD)? ?(?:person KEYWORD )?(?:WORD|KEYWORD|options|items)? ?:? ?{LIST}",
        _some,
    ),
)
RULES: tuple[Rule, ...] = tuple((pattern, reader, "§") for pattern, reader, _ in _LITERAL)
