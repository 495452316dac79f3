"""Requirement texts that are understood: each pattern must match a whole clause, or it does not match at all."""

import re
from collections.abc import Callable
from typing import Any

from router.checks.phrasing import NUMBER, RELATION, number, phrases, relation

Spec = dict[str, Any]
Reader = Callable[[re.Match[str]], list[Spec] | None]
Pattern = tuple[re.Pattern[str], Reader]

_UNITS = {
    "words": r"words?", "sentences": r"sentences?", "paragraphs": r"paragraphs?", "lines": r"lines?",
    "characters": r"characters?|chars?", "bullets": r"bullet points?|bullets|list items?|bullet-points?",
    "headings": r"headings?|headers?", "highlights": r"highlighted (?:sections?|parts?|phrases?)|bold (?:phrases?|parts?)",
    "placeholders": r"placeholders?", "questions": r"questions?|question marks?", "numbers": r"numbers?",
    "exclamations": r"exclamation (?:marks?|points?)", "commas": r"commas?", "emojis": r"emojis?", "urls": r"urls?|links?",
    "capital_words": r"(?:words? (?:in|with) all capital letters|all[- ]caps words?|all-capital words?|fully capitalized words?)",
}  # fmt: skip
_UNIT = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _UNITS.items())
_VERB = (
    r"(?:be|use|have|has|contain(?:s)?|include(?:s)?|write|answer|respond|reply|give|consist(?:s)? of|use|uses|keep(?: it)?|"
    r"summari[sz]e(?: it)?|explain(?: it)?|say it|put it)"
)
_TAIL = r"(?: (?:long|in (?:total|length|all)|total|each|or less|or fewer|or more|maximum|max|minimum|only|at most|at least))?"
_OBJECT = r"(?:(?:in |to |of |with )*(?:your |the |this )?(?:whole |entire )?(?:answer|response|reply|text|output)?\s*)"


def _flags(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _count(match: re.Match[str]) -> list[Spec] | None:
    unit = next(name for name in _UNITS if match.groupdict().get(name))
    tail, said = (match.groupdict().get("tail") or "").lower(), match.group("relation")
    how, limit = relation(said, number(match.group("n")))
    if re.search(r"or (?:less|fewer)|max|at most", tail):
        how = "max"
    elif re.search(r"or more|minimum|at least", tail):
        how = "min"
    elif "each" in tail:
        return None
    if limit < 0:
        return None
    return [{"type": f"{how}_{unit}", "value": limit}]


def _range(match: re.Match[str]) -> list[Spec] | None:
    unit = next(name for name in _UNITS if match.groupdict().get(name))
    low, high = number(match.group("low")), number(match.group("high"))
    return [{"type": f"min_{unit}", "value": low}, {"type": f"max_{unit}", "value": high}] if low <= high else None


def _listed(kind: str) -> Reader:
    def read(match: re.Match[str]) -> list[Spec] | None:
        found = phrases(match.group("list"))
        return [{"type": kind, "value": found}] if found and all(len(phrase) < 200 for phrase in found) else None

    return read


def _frequency(match: re.Match[str]) -> list[Spec] | None:
    how, limit = relation(match.group("relation"), number(match.group("n")))
    bounds = {"min": limit} if how == "min" else {"max": limit} if how == "max" else {"min": limit, "max": limit}
    letter = match.groupdict().get("letter")
    if letter:
        return [{"type": "letter_count", "letter": letter, **bounds}]
    return [{"type": "keyword_count", "keyword": match.group("word").strip(), **bounds}]


def _fixed(*specs: Spec) -> Reader:
    return lambda _: list(specs)


def _phrase(kind: str) -> Reader:
    return lambda match: [{"type": kind, "value": match.group("phrase").strip()}]


LANGUAGES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl",
    "russian": "ru", "polish": "pl", "arabic": "ar", "hebrew": "he", "hindi": "hi", "bengali": "bn", "urdu": "ur",
    "chinese": "zh", "japanese": "ja", "korean": "ko", "turkish": "tr", "vietnamese": "vi", "thai": "th", "tamil": "ta",
    "telugu": "te", "kannada": "kn", "marathi": "mr", "gujarati": "gu", "punjabi": "pa", "persian": "fa", "farsi": "fa",
    "swahili": "sw", "finnish": "fi", "swedish": "sv", "danish": "da", "norwegian": "no", "greek": "el", "czech": "cs",
    "romanian": "ro", "hungarian": "hu", "ukrainian": "uk", "bulgarian": "bg", "nepali": "ne", "malayalam": "ml",
    "indonesian": "id", "catalan": "ca", "croatian": "hr", "serbian": "sr", "slovak": "sk",
}  # fmt: skip


def _language(match: re.Match[str]) -> list[Spec] | None:
    code = LANGUAGES.get(match.group("language").lower())
    return [{"type": "language", "value": code}] if code else None


_Q = r"[\"'`](?P<phrase>[^\"`]{1,300}?)[\"'`]"
_WORDS_OF = r"(?:the )?(?:(?:following )?(?:key)?(?:words?|phrases?|terms?|keywords?|letters?)(?: and phrases)?:? ?)?"

PATTERNS: tuple[Pattern, ...] = (
    (
        _flags(
            rf"(?:{_VERB} )?{_OBJECT}(?:between|from|with between|in) (?P<low>\d+|\w+)(?: and | to |-|–)(?P<high>\d+|\w+) (?:{_UNIT})"
            rf"(?: long| in (?:total|length))?"
        ),
        lambda match: _range(match) if _are_numbers(match) else None,
    ),
    (
        _flags(rf"(?:{_VERB} )?{_OBJECT}(?:{RELATION} )?(?:a total of )?{NUMBER} (?:{_UNIT})(?P<tail>{_TAIL})"),
        lambda match: _count(match) if match.group("relation") or match.group("n").lower() not in ("a", "an") else None,
    ),
    (
        _flags(
            r"(?:do not|don't|never|must not|should not|avoid) (?:use|using|include|including|write|contain) (?:any )?commas?(?: at all)?"
        ),
        _fixed({"type": "excludes_characters", "value": ","}),
    ),
    (
        _flags(
            r"(?:use )?no commas?(?: (?:are|is) allowed)?|refrain from (?:using|the use of) (?:any )?commas?|without (?:using )?(?:any )?commas?"
        ),
        _fixed({"type": "excludes_characters", "value": ","}),
    ),
    (
        _flags(
            r"(?:(?:do not|don't|never|must not|should not|avoid|cannot|not) (?:use|using|include|including|contain|mention|mentioning|say|write|have)|exclude|avoid|without) "
            rf"(?:any of )?{_WORDS_OF}(?P<list>[\"'`\[].+[\"'`\]])(?: (?:in|anywhere in) (?:the|your) (?:answer|response|reply|text))?"
        ),
        _listed("excludes"),
    ),
    (
        _flags(
            rf"(?:include|contain|use|mention|have)s? (?:all of )?{_WORDS_OF}(?P<list>[\"'`\[].+[\"'`\]])"
            r"(?: (?:in|somewhere in) (?:the|your) (?:answer|response|reply|text))?"
        ),
        lambda match: None if re.search(r"times?$|once$|twice$", match.group("list")) else _listed("contains")(match),
    ),
    (
        _flags(
            rf"(?:include|use|mention|contain|have)?s? ?(?:in your response, )?the (?:key)?(?:word|phrase|term) [\"'`]?(?P<word>[\w -]+?)[\"'`]? "
            rf"(?:should appear |must appear |appears? )?(?:{RELATION} )?{NUMBER}(?: times?)?"
        ),
        _frequency,
    ),
    (
        _flags(
            rf"(?:in your response, )?(?:include |use )?the letter [\"'`]?(?P<letter>\w)[\"'`]? (?:should |must )?(?:appear |occur )?(?:{RELATION} )?{NUMBER}(?: times?)?"
        ),
        _frequency,
    ),
    (
        _flags(
            rf"(?:start|begin)s? (?:your (?:answer|response|reply) )?with (?:the (?:exact )?(?:words?|phrase|sentence) )?{_Q}"
        ),
        _phrase("starts_with"),
    ),
    (
        _flags(
            rf"(?:end|finish|conclude)s? (?:your (?:answer|response|reply) |it )?with (?:(?:this|the)(?: exact)? (?:words?|phrase|sentence) )?{_Q}"
            r"(?:[.,]? no other words should follow this phrase)?"
        ),
        _phrase("ends_with"),
    ),
    (
        _flags(
            r"(?:be |write |answer |respond )?(?:entirely |only |completely )?in (?:english,? and (?:in )?)?(?:all )?(?:lowercase|lower case|small)(?: letters?)?"
            r"(?:(?:,|;|\.)? (?:and )?no capital letters (?:are |is )?allowed)?|use (?:only )?lowercase(?: letters)?(?: only)?"
        ),
        _fixed({"type": "lowercase"}),
    ),
    (
        _flags(
            r"(?:be |write |answer |respond )?(?:entirely |only |completely )?in (?:english,? and (?:in )?)?(?:all )?(?:uppercase|upper case|capital|caps|all caps)(?: letters?)?(?: only)?"
            r"|use (?:only )?(?:uppercase|capital letters)(?: only)?"
        ),
        _fixed({"type": "uppercase"}),
    ),
    (
        _flags(
            r"(?:be |use |give |return |output |respond |answer |reply )*(?:entirely |only )?(?:in |as |with |wrapped in |a )*(?:valid |strict |pure )?json(?: format| object| only)?"
            r"(?: (?:and|with) nothing else)?"
        ),
        _fixed({"type": "json"}),
    ),
    (
        _flags(
            r"(?:be |write |answer |respond |reply )*(?:entirely |only |completely )?(?:in |using )(?:the )?(?P<language>[a-z]+)(?: language)?(?: only)?"
            r"(?:[,;.] no other language is allowed)?"
        ),
        _language,
    ),
    (
        _flags(
            r"(?:be )?(?:wrap(?:ped)?|put|enclosed?) (?:your |the )?(?:entire |whole )?(?:answer|response|reply|output)? ?(?:with|in|between|inside) double quotation marks"
        ),
        _fixed({"type": "quoted"}),
    ),
    (
        _flags(
            r"(?:must )?(?:contain|include|have)s? a title,? wrapped in double angular brackets,? such as <<[^>]+>>"
        ),
        _fixed({"type": "title"}),
    ),
    (
        _flags(
            r"(?:at the end of (?:your|the) (?:response|answer|reply), (?:please )?(?:explicitly )?)?add a postscript(?: starting with| that starts with) (?P<phrase>\S+)"
        ),
        _phrase("postscript"),
    ),
    (
        _flags(r"match(?:es)? the (?:regex|regular expression|pattern) [\"'`/](?P<pattern>.+)[\"'`/]"),
        lambda m: [{"type": "regex", "pattern": m.group("pattern")}],
    ),
)


def _are_numbers(match: re.Match[str]) -> bool:
    try:
        number(match.group("low")), number(match.group("high"))
    except KeyError:
        return False
    return True


def read_clause(clause: str) -> list[Spec] | None:
    """The checks that a clause says, or None if it is not understood as a whole."""
    for pattern, reader in PATTERNS:
        match = pattern.fullmatch(clause)
        if match is not None:
            specs = reader(match)
            if specs is not None:
                return specs
    return None
