"""How an answer starts and ends, its case, its language, what it is wrapped in."""

import re

from router.checks.grammar.clause import Clause, Reader, Rule, Spec, fixed, rule
from router.checks.languages import LANGUAGES

Q = r"§\d+§"
_K = r"(?:(?:KEYWORD|WORD|LETTER|greeting|sentence|line|token) ?:? ?)"
_IN = r"(?:IN |WITH |USE |at )*"
_MARKS = {
    "question mark": "?？", "exclamation mark": "!！", "exclamation point": "!！", "period": ".。", "full stop": ".。",
    "question": "?？", "exclamation": "!！", "ellipsis": "…", "colon": ":", "semicolon": ";",
}  # fmt: skip
_LANGUAGE = "|".join(LANGUAGES)
_POSTSCRIPT = re.compile(r"p\W?\s?(?:p\W?\s?)?s\W?", re.IGNORECASE)


def _phrase(kind: str) -> Reader:
    def read(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        found = clause.literals(match.group("list"))
        if clause.is_negative or len(found) != 1:
            return None
        if kind == "ends_with" and _POSTSCRIPT.fullmatch(found[0]):
            return [{"type": "postscript", "value": found[0]}]
        several = {"first_word": "starts_with", "last_word": "ends_with"}  # "the first words must be …"
        return [{"type": several.get(kind, kind) if len(found[0].split()) > 1 else kind, "value": found[0]}]

    return read


def _mark(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return None if clause.is_negative else [{"type": "ends_with_mark", "value": _MARKS[match.group("mark")]}]


def _language(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    spec: Spec = {"type": "language", "value": LANGUAGES[match.group("language")]}
    if not clause.is_negative:
        return [spec]
    is_whole = (
        "NOT" in clause.verbs and ("ANSWER" in clause.verbs or "IN " in match.group()) and "JUST" not in match.group()
    )
    return [{"type": "not", "check": spec}] if is_whole else None


def _cased(kind: str) -> Reader:
    def read(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        if clause.is_negative:
            return None
        name = match.groupdict().get("language")
        return [{"type": kind}] + ([{"type": "language", "value": LANGUAGES[name]}] if name else [])

    return read


def _first_question(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    mark: Spec = {"type": "ends_with_mark", "value": "?？"}
    return None if clause.is_negative else [{"type": "part", "unit": "sentence", "n": 1, "check": mark}]


_JUST = r"(?:(?:JUST|all|USE) )*"
_LANG = rf"(?:IN )?{_JUST}(?:IN )?(?P<language>{_LANGUAGE})(?: language)?"
_LOWER = r"(?:lowercase|lower case|lowercased|small case)(?: (?:letters|characters|text))?|small letters"
_UPPER = r"(?:uppercase|upper case|uppercased|all caps|caps|block capitals|capitals|all capitals)(?: (?:letters|characters|text))?|capital letters|capitalized letters|block letters"
_END = r"(?: (?:JUST|throughout|IN ANSWER|IN|ANSWER))*"
_CAPS_RULE = r"(?:(?: ,| ;| \()? ?(?:and )?(?:IN )?(?:no|NOT USE|USE no|NOT) (?:any )?(?:capital|uppercase|upper case)(?: letters)?(?: (?:BE )?(?:ALLOWED|USE))?\)?)?"

RULES: tuple[Rule, ...] = (
    rule(rf"(?:START) (?:ANSWER )?(?:IT )?{_IN}{_K}?(?P<list>{Q})", _phrase("starts_with")),
    rule(rf"{_K}?(?P<list>{Q}) (?:at|IN) START(?: IN ANSWER)?", _phrase("starts_with")),
    rule(rf"@1 (?:WORD|thing)(?: IN ANSWER)? (?:MUST )?(?:BE )?{_K}?(?P<list>{Q})", _phrase("first_word")),
    rule(rf"@-1 WORD(?: IN ANSWER)? (?:MUST )?(?:BE )?{_K}?(?P<list>{Q})", _phrase("last_word")),
    rule(
        rf"(?:END) (?:ANSWER )?(?:IT )?{_IN}{_K}?:? ?(?P<list>{Q})"
        r"(?:(?: ,)? (?:and )?(?:NOTHING|nothing|no other WORD|no WORD)(?: else)?(?: MUST)?(?: (?:follow|after|come after).*)?)?",
        _phrase("ends_with"),
    ),
    rule(rf"(?:at )?END (?:ANSWER )?(?:IN ANSWER )?(?:,? )?(?:USE )?{_K}(?P<list>{Q})", _phrase("ends_with")),
    rule(
        rf"@-1 (?:thing|line|sentence|KEYWORD)(?: IN ANSWER)? (?:MUST )?BE {_K}?:? ?(?P<list>{Q})", _phrase("ends_with")
    ),
    rule(rf"END (?:ANSWER )?(?:IT )?{_IN}(?P<mark>{'|'.join(_MARKS)})", _mark),
    rule(r"START (?:ANSWER )?(?:IT )?(?:IN |WITH )question", _first_question),
    rule(
        r"question",
        lambda m, c: [{"type": "ends_with_mark", "value": "?？"}] if "BE" in c.verbs and not c.is_negative else None,
    ),
    rule(
        rf"(?:END {_IN})?emoji",
        lambda m, c: None if c.is_negative or not m.group().startswith("END") else [{"type": "ends_with_emoji"}],
    ),
    rule(rf"(?:IN )?{_JUST}(?:IN )?{_JUST}(?:{_LOWER}){_END}{_CAPS_RULE}", _cased("lowercase")),
    rule(rf"{_LANG}(?: ,)?(?: and)?(?: ,)? (?:IN )?{_JUST}(?:{_LOWER}){_END}{_CAPS_RULE}", _cased("lowercase")),
    rule(rf"(?:IN )?{_JUST}(?:IN )?{_JUST}(?:{_UPPER}){_END}", lambda m, c: _upper(c)),
    rule(rf"{_LANG}(?: ,)?(?: and)?(?: ,)? (?:IN )?{_JUST}(?:{_UPPER}){_END}", _cased("uppercase")),
    rule(
        r"(?:any |LEAST #1 )?(?:capital|capitalized|uppercase|upper case)(?: letters?| characters?)?(?: ALLOWED| FORBIDDEN)?",
        lambda m, c: _no_capitals(m, c),
    ),
    rule(
        r"(?:any )?(?:lowercase|lower case|small)(?: letters?| characters?)?(?: ALLOWED)?",
        fixed({"type": "uppercase"}, negative=True),
    ),
    rule(r"(?:capital|uppercase|upper case) letters (?:MUST )?(?:BE )?FORBIDDEN", fixed({"type": "lowercase"})),
    rule(
        r"every LETTER (?:MUST )?(?:BE )?(?:capital|uppercase|capitalized)|EACH LETTER (?:MUST )?BE (?:capital|uppercase|capitalized)|capitalize (?:EACH|every|all) letters?",
        fixed({"type": "uppercase"}),
    ),
    rule(
        r"(?:IN )?title case(?: \( ?.*\))?|(?:capitalize|capitalise) (?:@1 LETTER IN )?(?:EACH|every) (?:major )?WORD(?: IN ANSWER)?",
        fixed({"type": "title_case"}),
    ),
    rule(
        rf"{_LANG}{_END}(?:(?: ,| ;)? (?:and |USE )?(?:no|NOT USE|NOT IN) (?:any )?other languages?(?: (?:BE )?(?:ALLOWED|USE))?)?",
        _language,
    ),
    rule(
        r"(?:(?:WRAP|USE|KEEP) )*(?:ANSWER )?(?:IN )?(?:WRAP )?(?:IN )?(?:pair IN )?(?:double quotation marks|double quotes|quotation marks|double quote marks)",
        lambda m, c: (
            None
            if c.is_negative
            or not ("WRAP" in m.group() or "ANSWER" in m.group() or (c.verbs & {"ANSWER", "USE"} and "IN" in m.group()))
            else [{"type": "quoted"}]
        ),
    ),
    rule(
        r"(?:USE |WRAP )?(?:double )?(?:quotation marks|quotations marks|quotes) around (?:ANSWER)?|(?:double )?(?:quotation marks|quotations marks|quotes) around",
        lambda m, c: [{"type": "quoted"}] if "double" in m.group() and not c.is_negative else None,
    ),
    rule(rf"(?:IN )?{_JUST}(?:lowercase|lower case) (?P<language>{_LANGUAGE})", _cased("lowercase")),
    rule(rf"(?:IN )?{_JUST}(?:uppercase|upper case|all caps) (?P<language>{_LANGUAGE})", _cased("uppercase")),
    rule(r"START and END IN (?:double )?quotation mark", fixed({"type": "quoted"})),
    rule(
        r"(?:any )?(?:whitespace|white space|spaces)(?: characters?)?(?: ALLOWED)?",
        lambda m, c: [{"type": "no_whitespace"}] if c.is_negative else None,
    ),
)


def _upper(clause: Clause) -> list[Spec] | None:
    return None if clause.is_negative or clause.verbs & {"no"} else [{"type": "uppercase"}]


def _no_capitals(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    is_whole = clause.is_negative and re.search(r"letter|character|ALLOWED", match.group())
    return [{"type": "lowercase"}] if is_whole and "FORBIDDEN" not in match.group() else None
