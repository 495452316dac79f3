"""Kinds of requirements, coarse enough to count a judge's errors by: what it must look at to decide.

A check and a judged text of one kind ask a judge for the same skill, so that labels from checks speak for judged texts.
"""

import re

KINDS = ("length", "format", "language", "wording", "style", "content")
"""Counting; shape and markup; human language; given words and signs; tone and manner; all else: what it says."""

_LENGTH = "words? sentences? paragraphs? characters? letters? lines? syllables? length long short(er)? brief(ly)?"
_FORMAT = (
    "json yaml xml csv html markdown tables? bullets? lists? numbered headings? titles? sections? code format(ted)? "
    "bold italics? schema"
)
_LANGUAGE = (
    "language translat\\w* english french german spanish italian portuguese dutch russian chinese japanese korean "
    "arabic hindi polish turkish swedish"
)
_WORDING = (
    "mentions? mentioned keywords? phrases? quotes? quoted verbatim commas? punctuation capital_letters? "
    "capitali[sz]ed lowercase uppercase "
    "repeats? (start|begin|end)(s|ing)?_with"
)
_STYLE = (
    "tones? styles? formal(ly)? informal friendly polite(ly)? professional neutral clear(ly)? simple persuasive "
    "humou?r\\w* funny empath\\w* enthusiastic concise(ly)? voice person tense jargon slang audience plain warm "
    "engaging sounds? poetic rhym\\w*"
)
_LISTS = (_LENGTH, _FORMAT, _LANGUAGE, _WORDING, _STYLE)
_SHAPED = re.compile(
    "json|json_keys|json_schema|yaml|xml|csv|sql|python|title|quoted|sub_bullets|template|nested|sign_items|title_case"
    "|word_lines|stairs|different_answers|postscript"
)
_COUNTED = ("max_", "min_", "exact_", "keyword_count", "letter_count", "sentence_ratio")


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + words.replace(" ", "|").replace("_", " ") + r")\b", re.IGNORECASE)


_PATTERNS = tuple(zip(KINDS, map(_pattern, _LISTS), strict=False))


def kind_of_text(text: str) -> str:
    """The kind of a requirement that a judge reads."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(text[:2000])), "content")


def kind_of_check(check: str) -> str:
    """The kind of a requirement that a check of that type decides."""
    if check == "language":
        return "language"
    if _SHAPED.fullmatch(check):
        return "format"
    return "length" if check.startswith(_COUNTED) else "wording"
