"""How many: words, sentences, paragraphs, bullets, … with every relation."""

import re

from router.checks.grammar.clause import Clause, Reader, Rule, Spec, rule

UNITS: dict[str, str] = {
    "unique_words": r"(?:unique|different|distinct) WORD",
    "capital_words": r"WORD (?:IN|BE|USE) (?:JUST )?(?:all )?(?:capital letters|capitals|caps|uppercase(?: letters)?|capitalized letters)|"
    r"(?:all )?(?:caps|capitals|uppercase|upper case) WORD|all capital WORD|(?:JUST|all) capitali[sz]ed WORD|WORD IN all capital",
    "words": r"WORD",
    "sentences": r"sentences?",
    "paragraphs": r"paragraphs?",
    "lines": r"(?:non empty )?lines?(?: IN ANSWER)?",
    "nonspace_characters": r"(?:non space |non whitespace )characters?|characters? (?:NOT|excluding) (?:spaces|whitespace)",
    "characters": r"characters?(?: (?:long|including spaces|USE spaces))?|chars?(?: (?:including spaces|USE spaces))?",
    "letters": r"letters",
    "numbered_items": r"numbered (?:items?|points?|steps?)|items? IN numbered list",
    "list_items": r"list items?|items? IN list|(?<=any )lists|^lists$",
    "bullets": r"(?:markdown )?(?:bullet ?points?|bullets?|bulleted (?:points?|items?)|bullet (?:items?|lists?))(?: IN markdown(?: format| syntax| formatting)?)?",
    "headings": r"(?:markdown )?(?:headings?|headers?|sub ?headings)",
    "highlights": r"(?:highlighted|bolded or italicized) (?:sections?|parts?|phrases?|KEYWORD|WORD|passages?|text sections?|areas?|portions?)(?: IN markdown(?: format| syntax)?)?",
    "bolds": r"(?:bold|bolded) (?:phrases?|KEYWORD|parts?|WORD|passages?|sections?)",
    "italics": r"(?:italic|italicized|italicised) (?:text )?(?:phrases?|KEYWORD|parts?|WORD|passages?|sections?)(?: IN markdown(?: format| syntax)?)?",
    "placeholders": r"(?:placeholders?|bracketed placeholders?|square bracketed placeholders?|template placeholders?)"
    r"(?: (?:, )?(?:represented|denoted|marked|indicated|shown|WRAP|enclosed)?(?: )?(?:IN|WITH)? ?square brackets)?|square bracket placeholders?",
    "numbers": r"(?:numbers?|numerals?|numerical values?|numeric values?)",
    "digits": r"digits?",
    "urls": r"(?:valid )?(?:urls?|links?|hyperlinks?|web links?)",
    "questions": r"(?:questions?|question marks?)",
    "exclamations": r"(?:exclamation (?:marks?|points?)|exclamations?)",
    "commas": r"commas?",
    "semicolons": r"semi ?colons?",
    "colons": r"colons?",
    "emojis": r"(?:emojis?|emoticons?)",
    "hashtags": r"(?:hash ?tags?)",
    "code_blocks": r"(?:code blocks?|code snippets?|fenced code blocks?)",
    "tables": r"(?:markdown )?tables?",
    "quotations": r"(?:quotations|direct quotes)",
}
UNIT = "|".join(f"(?P<{name}>{pattern})" for name, pattern in UNITS.items())
RELATION = r"(?P<rel>MOST|FEWER|LEAST|MORE|EXACTLY|JUST)"
N = r"#(?P<n>\d+)"
POST = r"(?: (?P<post>OR_FEWER|OR_MORE|MOST|LEAST|JUST|EXACTLY))?"
SIGN_NAMES = {
    r"commas?": ",", r"semi ?colons?": ";", r"colons?": ":", r"exclamation (?:marks?|points?)": "!", r"question marks?": "?",
    r"em dash(?:es)?": "—", r"hyphens?": "-", r"parenthes[ei]s": "()", r"asterisks?": "*", r"(?:full stops?|periods?)": ".",
    r"hash(?:es| signs?)": "#", r"underscores?": "_", r"slash(?:es)?": "/", r"ampersands?": "&", r"ellips[ei]s": "…",
}  # fmt: skip
_SIGN_NAME = "|".join(SIGN_NAMES)
SIGNS = {"commas": ",", "semicolons": ";", "colons": ":", "exclamations": "!", "questions": "?"}
_COUNTABLE = frozenset(UNITS) - {"words", "sentences", "paragraphs", "lines", "characters", "letters", "unique_words"}
_WISHED = frozenset(("bullets", "headings", "tables", "code_blocks", "emojis", "hashtags", "urls", "placeholders"))
_FEW_CHARACTERS = 20
_LOOSE_FROM = 20


def unit_of(match: re.Match[str]) -> str:
    """The unit that a match names."""
    groups = match.groupdict()
    return next(name for name in UNITS if groups.get(name))


def bounds(relation: str | None, n: int, post: str | None = None) -> tuple[int | None, int | None] | None:
    """(at least, at most) of a relation and number; None where both sides contradict."""
    said = {"OR_FEWER": "MOST", "OR_MORE": "LEAST"}.get(post or "", post)
    if said in ("JUST", "EXACTLY"):
        said = None if relation else said
    if relation and said:
        return None
    both = {
        "MOST": (None, n),
        "FEWER": (None, n - 1),
        "LEAST": (n, None),
        "MORE": (n + 1, None),
    }
    return both.get(relation or said or "", (n, n))


def limits(unit: str, low: int | None, high: int | None) -> list[Spec] | None:
    """The checks of bounds on a unit."""
    if high is not None and (high < 0 or (low or 0) > high):
        return None
    if unit in ("characters", "letters") and max(low or 0, high or 0) < _FEW_CHARACTERS:
        return None  # a story's characters, not the text's
    if low is not None and low == high:
        return [{"type": f"exact_{unit}", "value": low}]
    specs = [] if low is None else [{"type": f"min_{unit}", "value": low}]
    return specs if high is None else [*specs, {"type": f"max_{unit}", "value": high}]


def opposite(relation: str | None, post: str | None, n: int) -> tuple[int | None, int | None] | None:
    """Bounds of "not more than", "not fewer than", "not 5 or more"; other negations are not understood."""
    said = relation or {"OR_FEWER": "MOST", "OR_MORE": "LEAST"}.get(post or "")
    if relation and post:
        return None
    turned = {"MORE": (None, n), "FEWER": (n, None)}
    if not relation:
        turned |= {"LEAST": (None, n - 1), "MOST": (n + 1, None)}
    return turned.get(said or "")


def _count(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    unit, n = unit_of(match), int(match.group("n"))
    if unit in ("questions", "numbers") and "USE" not in clause.verbs and "ANSWER" in clause.verbs:
        return None  # "answer the two questions"
    relation, post = match.group("rel"), match.group("post")
    if clause.is_negative:
        turned = opposite(relation, post, n)
        return None if turned is None else limits(unit, *turned)
    if (relation == "JUST" or post == "JUST") and n >= _LOOSE_FROM and not (relation and post):
        return limits(unit, -(-n * 9 // 10), n)
    found = bounds(relation, n, post)
    return None if found is None else limits(unit, *found)


def _range(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    if clause.is_negative:
        return None
    return limits(unit_of(match), int(match.group("low")), int(match.group("high")))


def _both(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    if clause.is_negative:
        return None
    low = bounds(match.group("low_rel"), int(match.group("low")))
    high = bounds(match.group("high_rel"), int(match.group("high")))
    if low is None or high is None:
        return None
    lows, highs = [b for b in (low[0], high[0]) if b is not None], [b for b in (low[1], high[1]) if b is not None]
    return limits(unit_of(match), lows[0], highs[0]) if len(lows) == len(highs) == 1 else None


def _none(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    unit = unit_of(match)
    if unit not in _COUNTABLE:
        return None
    if clause.is_negative:
        if unit in SIGNS:
            return [{"type": "excludes_characters", "value": SIGNS[unit]}]
        return [{"type": f"max_{unit}", "value": 0}]
    return [{"type": f"min_{unit}", "value": 1}] if unit in _WISHED and "USE" in clause.verbs else None


def _at_most(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return None if clause.is_negative else limits(unit_of(match), None, int(match.group("n")))


def _capped(kind: str) -> Reader:
    def read(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        if clause.is_negative:
            return None
        found = bounds(match.groupdict().get("rel") or kind, int(match.group("n")))
        unit = {"WORD": "words"}.get(match.group("of"), f"{match.group('of').rstrip('s')}s")
        return None if found is None else limits(unit, *found)

    return read


_OF = r"(?P<of>WORD|sentences?|characters?|paragraphs?|lines?)"
_SIGN = r"(?:MUST |BE |: |IN |USE )*"

_NUMBERED: tuple[Rule, ...] = (
    rule(
        rf"(?:{UNIT}) (?:MUST )?(?:(?:APPEAR|USE|BE) )?(?:{RELATION} )?{N}(?P<post> times)", lambda m, c: _times(m, c)
    ),
    rule(
        rf"(?:{RELATION} )?{N}(?: (?:full|complete|whole|separate|total|IN))?{POST.replace('post', 'post')} (?:{UNIT})",
        _count,
    ),
    rule(rf"(?:{RELATION} )?{N}(?: (?:full|complete|separate))? (?:{UNIT})(?: ,)?{POST}(?: IN total| JUST)?", _count),
    rule(rf"(?:BETWEEN )?#(?P<low>\d+) (?:and|to|-) #(?P<high>\d+) (?:{UNIT})(?: ,? ?\(? ?inclusive ?\)?)?", _range),
    rule(
        rf"(?P<low_rel>LEAST|MORE|MOST|FEWER) #(?P<low>\d+)(?: ,)?(?: and| but|,)? (?:NOT USE |BE )?"
        rf"(?P<high_rel>MOST|FEWER|LEAST|MORE) #(?P<high>\d+) (?:{UNIT})",
        _both,
    ),
    rule(
        rf"(?P<low_rel>LEAST|MORE|MOST|FEWER) #(?P<low>\d+) (?:{UNIT})(?: ,)?(?: and| but)? "
        rf"(?P<high_rel>MOST|FEWER|LEAST|MORE) #(?P<high>\d+)",
        _both,
    ),
    rule(
        rf"(?:(?:any|LEAST #1|even single|even #1) )?(?:{UNIT})(?: (?:ALLOWED|characters?|JUST|whatsoever|symbols?))?",
        _none,
    ),
    rule(rf"(?:(?:LIMIT|KEEP) )?(?:ANSWER |IT |yourself )*(?:LIMIT )?(?:to|MOST) (?:MOST )?{N} (?:{UNIT})", _at_most),
    rule(rf"{_OF} (?:(?:count )?(?:limit|LIMIT|cap)|count MOST)(?: IN ANSWER)? ?{_SIGN}{N}", _capped("MOST")),
    rule(rf"LEAST {_OF}(?: count)? {_SIGN}{N}", _capped("LEAST")),
    rule(rf"(?:MOST) {_OF}(?: count)? {_SIGN}{N}", _capped("MOST")),
    rule(
        rf"(?:{_OF} count|number IN (?P<of2>WORD|sentences?|characters?|paragraphs?|lines?))".replace("of2", "of_")
        + rf"(?: IN ANSWER)? {_SIGN}(?:{RELATION} )?{N}{POST}",
        lambda match, clause: _number_of(match, clause),
    ),
    rule(
        rf"(?:any )?(?P<signs>(?:{_SIGN_NAME})(?:(?: ,| or| and| nor| , or| , and)+ (?:any )?(?:{_SIGN_NAME}))*)(?: ALLOWED)?",
        lambda m, c: _signs(m, c),
    ),
    rule(r"[a-z ]+ (?:or|and|nor|,) [a-z ,]+(?: ALLOWED)?", lambda m, c: _none_of(m, c)),
    rule(rf"(?:limit|LIMIT|MOST|length)(?: :| BE)? {N} (?:{UNIT})", _at_most),
    rule(
        rf"(?:{RELATION} )?{N} items (?:IN )?bullet(?:ed)? (?:points|list)|(?:{RELATION.replace('rel', 'rel2')} )?#(?P<n2>\d+) items IN bullet list",
        lambda m, c: _listed(m, c, "bullets"),
    ),
    rule(
        rf"(?:numbered|ordered) list (?:IN|that USE|USE) (?:{RELATION} )?{N} (?:items?|points?|entries|steps?)",
        lambda m, c: _listed(m, c, "numbered_items"),
    ),
    rule(
        rf"(?:list|bulleted list|bullet list|bullet point list) (?:IN|that USE|USE) (?:{RELATION} )?{N} (?:items?|points?|entries|bullet points|bullets)",
        lambda m, c: _listed(m, c, "list_items"),
    ),
    rule(rf"number IN (?:{UNIT})(?: IN ANSWER)? {_SIGN}(?:{RELATION} )?{N}{POST}", _count),
    rule(rf"number IN (?:{UNIT})(?: IN ANSWER)? {_SIGN}(?:BETWEEN )?#(?P<low>\d+) (?:and|to) #(?P<high>\d+)", _range),
    rule(
        rf"(?:italicize|italicise) (?:{RELATION} )?{N} (?:\w+ )?(?:sections?|parts?|phrases?|WORD|passages?|KEYWORD)(?: IN ANSWER)?(?: IN markdown)?",
        lambda m, c: _styled("italics", m, c),
    ),
    rule(
        rf"(?:bold) (?:{RELATION} )?{N} (?:\w+ )?(?:sections?|parts?|phrases?|WORD|passages?|KEYWORD)(?: IN ANSWER)?(?: IN markdown)?",
        lambda m, c: _styled("bolds", m, c),
    ),
    rule(
        rf"(?:{RELATION} )?{N} paragraphs(?: that BE)?(?: ,)? SEPARATED (?:WITH|IN) (?:markdown )?(?:divider|separator)?(?: )?:? ?(?:(?P<mark>§\d+§)|blank line|blank lines|empty line|empty lines|#2 newlines|#2 line breaks|single blank line|#1 blank line)",
        lambda m, c: _divided(m, c),
    ),
    rule(
        r"(?:WORD count|number IN WORD)(?: IN ANSWER)? (?:MUST |BE |: |USE )*(?:BETWEEN )?#(?P<low>\d+) (?:and|to) #(?P<high>\d+)",
        lambda match, clause: (
            None if clause.is_negative else limits("words", int(match.group("low")), int(match.group("high")))
        ),
    ),
)
RULES: tuple[Rule, ...] = tuple(
    (pattern, reader, "#" if r"#(?P<n" in pattern.pattern or r"#(?P<low" in pattern.pattern else "")
    for pattern, reader, _ in _NUMBERED
)


def _none_of(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    """No emojis, hashtags or links."""
    if not clause.is_negative:
        return None
    specs: list[Spec] = []
    for name in re.split(r"(?: ,)?(?: or| and| nor| ,) ", match.group().removesuffix(" ALLOWED")):
        unit = next((unit for unit in _COUNTABLE if re.fullmatch(UNITS[unit], name.removeprefix("any ").strip())), None)
        if unit is None:
            return None
        specs.append(
            {"type": "excludes_characters", "value": SIGNS[unit]}
            if unit in SIGNS
            else {"type": f"max_{unit}", "value": 0}
        )
    return specs


def _signs(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    if not clause.is_negative:
        return None
    found = [sign for name, sign in SIGN_NAMES.items() if re.search(rf"\b(?:{name})\b", match.group("signs"))]
    return [{"type": "excludes_characters", "value": "".join(found)}]


def _listed(match: re.Match[str], clause: Clause, unit: str) -> list[Spec] | None:
    if clause.is_negative or match.group("n") is None:
        return None
    found = bounds(match.group("rel"), int(match.group("n")))
    return None if found is None else limits(unit, *found)


def _styled(unit: str, match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = bounds(match.group("rel"), int(match.group("n")))
    return None if clause.is_negative or found is None else limits(unit, *found)


def _divided(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    found = bounds(match.group("rel"), int(match.group("n")))
    specs = None if clause.is_negative or found is None else limits("paragraphs", *found)
    if specs is None or match.group("mark") is None:
        return specs
    return None if specs is None else [{**spec, "separator": clause.literal(match.group("mark"))} for spec in specs]


def _times(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    relation, n = match.group("rel"), int(match.group("n"))
    found = opposite(relation, None, n) if clause.is_negative else bounds(relation, n)
    return None if found is None else limits(unit_of(match), *found)


def _number_of(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    if clause.is_negative:
        return None
    named = match.group("of") or match.group("of_")
    found = bounds(match.group("rel"), int(match.group("n")), match.group("post"))
    unit = {"WORD": "words"}.get(named, f"{named.rstrip('s')}s")
    return None if found is None else limits(unit, *found)
