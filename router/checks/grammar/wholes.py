"""Texts that only make sense as a whole: an unquoted phrase to end with, sections with their marks, options in a row."""

import re
from collections.abc import Callable

from router.checks.grammar.clause import Spec
from router.checks.grammar.numbers import read_numbers

Read = Callable[[re.Match[str]], list[Spec] | None]
_LEAD = r"(?:please |you (?:must|should|need to|have to) |make sure (?:to|you) |(?:your|the) (?:entire |whole )?(?:[a-z]+) (?:must|should|has to|needs to) )*"
_PHRASE = r"(?:this|the)(?: following)?(?: exact| same| specific)? (?:phrase|sentence|words|line|text)s?:?"
_FOLLOW = r"(?:[.!?]?[\"']?\s+(?:and )?(?:there should be )?no (?:other|more|further) words? (?:should|must|may|can) (?:follow|come after|be after)(?: (?:this|the|that) (?:phrase|sentence|words))?\.?)"
_ANSWER = r"(?: (?:the|your|its) (?:entire |whole )?(?:answer|response|reply|output|text|letter|essay|email|story))?"


def _flags(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`" else text


def _phrase(kind: str) -> Read:
    return lambda match: [{"type": kind, "value": _unquoted(match.group("phrase"))}]


def _count(text: str) -> int | None:
    read = read_numbers(text.lower().replace("-", " ").split())
    return int(read[0][1:]) if len(read) == 1 and read[0].startswith("#") else None


def _sections(match: re.Match[str]) -> list[Spec] | None:
    count, marker = _count(match.group("n")), match.group("marker").strip("\"'`")
    relation = (match.group("relation") or "").lower().strip()
    if count is None or not re.fullmatch(r"[\w ]{1,40}", marker):
        return None
    kind = {"at most": "max", "no more than": "max", "exactly": "exact"}.get(relation, "min")
    return [{"type": f"{kind}_sections", "value": count, "marker": marker}]


def _options(match: re.Match[str]) -> list[Spec] | None:
    text = match.group("list").strip()
    quoted = re.findall(r"'((?:[^']|(?<=\w)'(?=\w))+)'|\"([^\"]+)\"", text)
    if quoted:
        rest = re.sub(r"'((?:[^']|(?<=\w)'(?=\w))+)'|\"([^\"]+)\"|\bor\b|\band\b|[\s,()\[\].;]", "", text)
        return None if rest else [{"type": "one_of", "value": [a or b for a, b in quoted]}]
    for divider in (r"\s*/\s*", r"\s*[,;]\s*(?:or\s+)?", r"\s+or\s+", r"\s*\n\s*[-*]?\s*"):
        parts = [part.strip(" .\"'[]") for part in re.split(divider, text.strip("().[]")) if part.strip()]
        if len(parts) > 1:
            return [{"type": "one_of", "value": parts}]
    return None


def _some_of(match: re.Match[str]) -> list[Spec] | None:
    count, items = _count(match.group("n")), [item.strip(" .\"'") for item in match.group("list").split(",")]
    items = [item for item in items if item]
    return None if count is None or len(items) < 2 else [{"type": "some_of", "of": items, "min": count}]


def _copy(match: re.Match[str]) -> list[Spec]:
    return [{"type": "repeats_prompt"}]


def _list_of(match: re.Match[str]) -> list[Spec] | None:
    """ "as a numbered list of 5": the items of a list, by how they are marked."""
    count, mark = _count(match.group("n")), (match.group("mark") or "").lower()
    relation = (match.groupdict().get("relation") or "").lower().strip()
    unit = "numbered_items" if mark in ("numbered", "ordered") else "bullets" if mark else "list_items"
    if count is None or (not mark and not match.group("unit")):
        return None
    kind = {"at most": "max", "no more than": "max", "up to": "max", "at least": "min"}.get(relation, "exact")
    return [{"type": f"{kind}_{unit}", "value": count}]


_ASKS = r"(?:(?:please )?(?:respond|answer|reply|give|write|return|present|format|provide|output|make)(?: me| it)?(?: (?:the|your) (?:answer|response|reply))? )?(?:as |in |with |in the form of )?(?:an? )?"
_MARK = r"(?P<mark>numbered|ordered|bulleted|bullet|bullet[- ]point(?:ed)?)"
_ITEMS = r"items?|points?|entries|elements|bullets|steps"

WHOLES: tuple[tuple[re.Pattern[str], Read], ...] = (
    (
        _flags(
            rf"{_ASKS}(?:{_MARK} )?list (?:of|with|containing|having) (?P<relation>exactly |at least |at most |no more than |up to )?(?P<n>\d+|[a-z]+)(?: (?P<unit>{_ITEMS}))?\.?"
        ),
        _list_of,
    ),
    (_flags(rf"{_ASKS}(?P<n>\d+|[a-z]+)[- ](?P<unit>item|point|step|entry) (?:{_MARK} )?list\.?"), _list_of),
    (
        _flags(
            rf"{_LEAD}(?:mention|include|use) at least (?P<n>\d+|[a-z-]+) (?:different )?[a-z ]{{1,30}}?(?: in (?:the|your) (?:answer|response|reply))?,? from (?:this|the following) list(?: of [a-z ]{{1,30}})?:\s*(?P<list>[\w ,'-]+)\.?"
        ),
        _some_of,
    ),
    (
        _flags(
            rf"{_LEAD}(?:answer|respond|reply) with a list of items,? (?:and )?instead of bullet points,? use (?P<sign>\S{{1,12}}?)\.?"
        ),
        lambda match: [{"type": "sign_items", "value": match.group("sign")}],
    ),
    (
        _flags(rf"{_LEAD}(?:end|finish|conclude|close)s?{_ANSWER} with {_PHRASE} (?P<phrase>.+?){_FOLLOW}"),
        _phrase("ends_with"),
    ),
    (
        _flags(rf"{_LEAD}(?:end|finish|conclude|close)s?{_ANSWER} with {_PHRASE} (?P<phrase>[^\"'`.]+[.!?]?)"),
        _phrase("ends_with"),
    ),
    (
        _flags(
            r"(?:(?:the|your) (?:very )?last (?:words|sentence|phrase) (?:of (?:the|your) (?:answer|response|reply) )?(?:should|must) be) (?P<phrase>[\"'`].+[\"'`])\.?"
        ),
        _phrase("ends_with"),
    ),
    (
        _flags(rf"{_LEAD}(?:start|begin|open)s?{_ANSWER} with {_PHRASE} (?P<phrase>[^\"'`.]+[.!?]?)"),
        _phrase("starts_with"),
    ),
    (
        _flags(
            rf"{_LEAD}(?:must |should )?(?:have|contain|include|write|use|be divided into|consist of|be split into)?\s*(?P<relation>at least |exactly |at most |no more than )?(?P<n>\d+|[a-z-]+) sections?[.,;:]?\s*"
            r"(?:and |,)?\s*(?:mark(?:ing|ed)?|label(?:ing|ed)?|start(?:ing)?|begin(?:ning)?|denot(?:e|ing)|indicat(?:e|ing)|each|the)?\s*(?:the )?(?:start |beginning )?(?:of )?(?:each |every )?(?:section )?(?:should be |must be |is |being )?(?:marked |labeled |start(?:ing|s)? |begin(?:ning|s)? )?"
            r"(?:with|as|by) (?P<marker>[\"'`]?[A-Za-z]+[\"'`]?) (?:X|\{?number\}?|N|#|1)[\"'`]?(?:[.,:;]?\s*(?:such as|for example|e\.g\.|like|as in).*|\s*,.*)?\.?"
        ),
        _sections,
    ),
    (
        _flags(
            rf"{_LEAD}(?:answer|respond|reply|choose|pick|select|be)?(?: only)?(?: with| from| using)?(?: exactly| only)?\s*one (?:of|from)(?: the| these)?(?: following)?(?: (?:options|choices|answers|phrases|responses|labels|words|values|categories))?(?: only)?\s*:\s*(?P<list>.+?)(?:\.\s+(?:do not|don't) (?:give|provide|include|add) (?:any |an )?(?:explanation|other text|further text)s?\.?)?"
        ),
        _options,
    ),
    (
        _flags(
            r"(?:first,?\s*)?(?:please )?repeat (?:the|this|my)(?: exact| entire| whole| full|,)* (?:request|prompt|question|sentence|text)(?: above| below)?,? ?(?:exactly )?(?:word[ -]for[ -]word|verbatim|exactly)?(?: first)?,?(?: without (?:any |making any )?changes?)?,?(?: and)?(?: then)?(?: (?:give|provide|write) (?:me )?your (?:answer|response)| ?answer(?: it)?)?(?:\s*\(.*\)|[.;:] .*(?:do not (?:say|include|add)|before repeating).*)?\.?"
        ),
        _copy,
    ),
    (
        _flags(r"use this exact template(?: for your response)?:\s*(?P<template>(?:[A-Z][\w ]*: ?\[[\w ]+\]\s*){2,})"),
        lambda match: [
            {
                "type": "template",
                "value": [label.strip() for label in re.findall(r"[A-Z][\w ]*:", match.group("template"))],
            }
        ],
    ),
)


def read_whole(text: str) -> list[Spec] | None:
    """The checks of a text that one of these patterns covers from end to end."""
    for pattern, read in WHOLES:
        match = pattern.fullmatch(text)
        if match is not None:
            specs = read(match)
            if specs is not None:
                return specs
    return None
