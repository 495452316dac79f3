"""Machine-readable forms, choices, titles, postscripts, highlights."""

import re

from router.checks.grammar.amounts import RELATION, N, bounds, limits
from router.checks.grammar.clause import Clause, Reader, Rule, Spec, fixed, rule
from router.checks.grammar.keywords import LIST

Q = r"§\d+§"
_AS = r"(?:(?:WRAP|format|IN|ANSWER|JUST|USE|BE|IT|parse|parseable|parses) )*(?:(?:valid|well formed|proper|parseable|syntactically|correct|strict|raw|pure|legal) )*"
_AFTER = r"(?: (?:JUST|and nothing else|IN no extra ANSWER|IN no other ANSWER|NOT any other ANSWER|NOT any extra ANSWER|IN nothing else|and no other ANSWER|NOTHING else|format|syntax|code|IN JUST))*"
_FORMS: dict[str, Spec] = {
    r"json(?: format| syntax| block| code block| ANSWER| data| document| string| blob| payload)?": {"type": "json"},
    r"(?:single )?json object": {"type": "json_schema", "schema": {"type": "object"}},
    r"json (?:array|list)|array IN json": {"type": "json_schema", "schema": {"type": "array"}},
    r"yaml(?: format| document| syntax)?": {"type": "yaml"},
    r"xml(?: format| document| syntax)?": {"type": "xml"},
    r"csv(?: format| data| file| table)?": {"type": "csv"},
    r"sql(?: query| statement| code)?": {"type": "sql"},
    r"python(?: code| script| program| function)?": {"type": "python"},
    r"(?:iso(?: 8601)? )?dates? IN (?:the )?(?:format )?(?:yyyy (?:- )?mm (?:- )?dd|§\d+§)(?: format)?|(?:all |EACH )?dates? (?:MUST )?(?:BE |USE )?(?:IN )?(?:format )?yyyy (?:- )?mm (?:- )?dd(?: format)?|IN yyyy (?:- )?mm (?:- )?dd format": {
        "type": "dates",
        "format": "YYYY-MM-DD",
    },
    r"(?:#1 )?(?:number|numeric value)(?: JUST)?": {"type": "number"},
    r"(?:#1 )?(?:integer|whole number)": {"type": "number", "integer": True},
    r"(?:yes or no|§yes§)": {"type": "one_of", "value": ["yes", "no"]},
    r"true or false": {"type": "one_of", "value": ["true", "false"]},
}
_NEEDS_WORD = ("python", "number", "integer", "sql")


def _form(spec: Spec, form: str) -> Reader:
    def read(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        if clause.is_negative:
            return None
        text = match.group()
        if spec["type"] == "number" and not (clause.verbs & {"ANSWER", "BE"} or "ANSWER" in text):
            return None
        if spec["type"] == "number" and clause.verbs & {"USE"}:
            return None
        if spec["type"] in ("python", "sql") and not re.search(r"valid|parse|syntactically|correct", text):
            return None
        if spec["type"] == "one_of" and "USE" in clause.verbs:
            return None
        said = clause.verbs & {"ANSWER", "BE"} or re.search(
            r"\b(?:IN|JUST|WRAP|ANSWER|format|syntax|valid|parse)\b", text
        )
        if not said and (clause.verbs & {"USE", "KEEP", "IT"} or not clause.verbs):
            return None
        return [dict(spec)]

    return read


def _keys(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    only = "JUST" in (match.group("only") or "") or "EXACTLY" in (match.group("only") or "")
    spec: Spec = {"type": "json_keys", "value": clause.literals(match.group("list"))}
    return None if clause.is_negative else [spec | ({"only": True} if only else {})]


def _choice(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = clause.literals(match.group("list"))
    said = "ANSWER" in clause.verbs or "BE" in clause.verbs
    if clause.is_negative or len(found) < 2 or not said or " and " in match.group("list"):
        return None
    return [{"type": "one_of", "value": found}]


def _postscript(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = clause.literals(match.group())
    if clause.is_negative or len(found) > 2:
        return None
    marker = found[-1] if found else "P.S."
    return [{"type": "postscript", "value": marker}] if re.match(r"p", marker, re.IGNORECASE) or found else None


def _highlight(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = bounds(match.group("rel"), int(match.group("n")))
    return None if clause.is_negative or found is None else limits("highlights", *found)


def _different(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = clause.literals(match.group())
    if clause.is_negative or len(found) > 1:
        return None
    separator = found[0] if found else "******"
    return [{"type": "different_answers", "value": int(match.group("n")), "separator": separator}]


_PS = rf"(?:postscript|post script|p \. s \.|ps|{Q})"
_PS_MARK = re.compile(r"p\W?\s?(?:p\W?\s?)?s\W?", re.IGNORECASE)
_AT_END = r"(?:(?:at|AT) (?:very )?END(?: IN ANSWER)?(?: ,)? )?"
_MARKDOWN = r"(?: (?:IN|USE|by USE) (?:markdown(?: format| syntax| formatting)?|asterisks|italics|bold))?"

RULES: tuple[Rule, ...] = (
    rule(
        r"(?:match|matches|conform to|fit|follow)(?: USE)? (?:regex|regular expression|pattern|regex pattern|regexp)(?: pattern)? ?:? ?(?P<q>§\d+§)",
        lambda m, c: None if c.is_negative else [{"type": "regex", "pattern": c.literal(m.group("q"))}],
    ),
    rule(
        r"(?:IN )?(?:#1 )?(?P<whole>number|integer|whole number)(?: ,)? (?:BETWEEN|IN BETWEEN) #(?P<low>\d+) (?:and|to) #(?P<high>\d+)(?: ,? ?\(? ?inclusive ?\)?)?",
        lambda m, c: (
            None
            if c.is_negative or "USE" in c.verbs
            else [
                {
                    "type": "number",
                    "min": int(m.group("low")),
                    "max": int(m.group("high")),
                    "integer": m.group("whole") != "number",
                }
            ]
        ),
    ),
    *(rule(rf"{_AS}(?:{form}){_AFTER}", _form(spec, form)) for form, spec in _FORMS.items()),
    rule(
        rf"{_AS}json(?: object)? (?:IN |that |USE )*(?P<only>JUST |EXACTLY )?(?:#\d+ )?(?:IN |USE )*(?P<also>EXACTLY |JUST )?(?:keys?|fields?|properties)(?: KEYWORD)?:? ?{LIST}",
        _keys,
    ),
    rule(
        rf"(?:JUST )?(?:IN )?(?:JUST )?(?:either )?(?:EXACTLY )?(?:#1 IN )?(?:these |IN )?(?:KEYWORD )?(?:options?|choices?|labels?|values?|answers?|ANSWER|WORD)? ?:? ?{LIST}(?: JUST| and NOTHING else)?",
        _choice,
    ),
    rule(
        rf"title(?: ,)?(?: that BE)? WRAP IN (?:double )?(?:angular|angle) brackets|title (?:MUST )?(?:BE )?(?:WRAP )?IN (?:double )?(?:angular|angle) brackets"
        rf"|(?:title )?(?:WRAP )?title IN {Q}|WRAP title IN (?:double )?(?:angular|angle) brackets",
        fixed({"type": "title"}),
    ),
    rule(
        rf"{_AT_END}(?:USE |MUST |BE )*(?:postscript|post script|p \. s \.)(?: (?:section|note|line))?(?: {_AT_END.strip()})?"
        rf"(?:(?: at (?:very )?END(?: IN ANSWER)?)?(?: ,)?(?: to ANSWER)?(?: that)? (?:START|IN|USE|marked|indicated|labeled|introduced by)(?: IN)?(?: KEYWORD| WORD| marker)? {Q})?(?: at (?:very )?END(?: IN ANSWER)?)?(?: \( ?{Q} ?\))?",
        _postscript,
    ),
    rule(
        rf"{_AT_END}(?:USE )?(?:postscript |line )?(?:START |BE )?(?:IN )?{Q} (?:postscript|section|note)(?: at (?:very )?END(?: IN ANSWER)?)?",
        lambda m, c: (
            _postscript(m, c) if re.search(r"p\W?\s?s", " ".join(c.literals(m.group())), re.IGNORECASE) else None
        ),
    ),
    rule(
        rf"(?P<ps>{Q}) at (?:very )?END",
        lambda m, c: _postscript(m, c) if _PS_MARK.fullmatch(c.literal(m["ps"])) else None,
    ),
    rule(
        rf"json(?: object)? (?:MUST )?USE {LIST} (?:fields?|keys?|properties|property)",
        lambda m, c: None if c.is_negative else [{"type": "json_keys", "value": c.literals(m["list"])}],
    ),
    rule(
        rf"highlight (?:{RELATION} )?{N} (?:\w+ )?(?:sections?|parts?|phrases?|WORD|passages?|portions?|KEYWORD)(?: IN ANSWER)?{_MARKDOWN}(?: IN ANSWER)?",
        _highlight,
    ),
    rule(
        rf"(?:{RELATION} )?{N} (?:\w+ )?(?:sections?|parts?|phrases?|passages?|portions?)(?: IN ANSWER)? (?:MUST )?(?:BE )?highlighted{_MARKDOWN}",
        _highlight,
    ),
    rule(
        rf"(?:{RELATION} )?{N} highlighted (?:\w+ )?(?:sections?|parts?|phrases?|passages?|portions?){_MARKDOWN}",
        _highlight,
    ),
    rule(
        rf"(?:EXACTLY )?{N} (?:(?:different|distinct)(?: ANSWER)?|ANSWER(?=(?: ,)? SEPARATED))(?: ,)?(?: (?:and |MUST )?(?:ANSWER and JUST ANSWER )?(?:MUST )?(?:BE )?SEPARATED (?:IN |WITH )?(?:by )?(?:#6 asterisks?(?: symbols?)?)? ?:? ?(?:{Q})?)?",
        _different,
    ),
)
