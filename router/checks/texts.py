"""How a text is taken apart: words, sentences, paragraphs, bullets. One definition each, used by every check."""

import re
from functools import lru_cache

from router.checks.marks import EMOJI

_WORD = re.compile(r"[^\W²³¹¼-¾⁰⁴-⁹₀-₉⅐-⅟①-⒛⓪-⓿❶-➓]+")
"""Runs of letters, digits and underscores; raised, lowered, encircled digits and fractions are marks."""
_END = re.compile(rf"[。！？]+[」』”’)]*\s*|[.!?…؟।॥]+[\"'”’)\]*_»]*(?:[ \t]*{EMOJI}(?:[ \t]*{EMOJI})*[.!]*)?(?=\s|$)")
"""The emojis right behind a full stop belong to its sentence."""
_LIST_MARK = re.compile(r"(?:^|\n)[ \t>*#-]*\(?(?:\d{1,3}|[a-zA-Z])\.$")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'*])(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|vs|cf|e\.g|i\.e|Inc|Ltd|Co|approx|[A-Z](?:\.[A-Z])+)\.$",
    re.IGNORECASE,
)
_BEFORE_NUMBERS = re.compile(r"(?:^|[\s(\"'*])(?:Nos?|Figs?|Vol|pp?|Eq|Sec|Ch)\.$", re.IGNORECASE)
_MAY_END = re.compile(r"(?:^|[\s(\"'*])(?:etc|a\.m|p\.m)\.$", re.IGNORECASE)
_INITIAL = re.compile(r"(?:^|(?:^|[\s(\"'*])(?:[A-Z][\w'’-]*|[A-Z]\.)\s+)[\s(\"'*]*[A-HJ-Z]\.$")
"""An initial stands at the start or behind a name: "J. Doe", "Anna B. Doe", not "vitamin C. It"."""
_BULLET = re.compile(
    r"^[ \t]*(?!(?:[*_-][ \t]*){3,}$)(?:[*+•◦▪‣–-](?=[ \t]+\S)|[*](?=[^*\s][^*\n]*$)|-(?=[^-\s\d]))", re.MULTILINE
)
_NUMBERED = re.compile(r"^[ \t]*(?:\*\*)?\(?\d{1,3}[.)][ \t]+\S", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n")
_INFLECTED = (r"(?:'s|’s)?", r"(?:'s|’s|s|es)?", r"(?:'s|’s|s|es|ed|d|ing)?")
"""Of words of up to two letters, of three, of more: "is" is no form of "i", "bed" none of "be", "power" none of pow."""


def words(text: str) -> list[str]:
    """Words: runs of letters, digits and underscores, as IFEval counts them ("don't" and "well-known" are two)."""
    return _WORD.findall(text)


def tokens(text: str) -> list[str]:
    """Words as a reader sees them: divided by blanks, without the marks around them."""
    stripped = (token.strip("\"'“”‘’.,;:!?()[]{}<>*_~`#…-–—") for token in text.split())
    return [token for token in stripped if token]


def sentences(text: str) -> list[str]:
    """Sentences: text up to . ! ? … with its closing quotes; abbreviations, initials and list numbers end none."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if _ends(text, start, match):
            found.append(text[start : match.end()].strip())
            start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if _WORD.search(sentence)]


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    mark, after = match.group().rstrip(), text[match.end() : match.end() + 40].lstrip()
    if mark.startswith(("…", "...")) and text[match.start() - 1 : match.start()] in ("(", "["):
        return False  # something left out
    if mark.strip("\"'”’)]*_»") in ("...", "…", ".."):
        return not after or not after[0].islower()
    if not mark.startswith("."):
        return True
    before = text[max(start, match.start() - 12) : match.start() + 1]
    if _LIST_MARK.search(before if match.start() - 12 > start else f"\n{before}"):
        return False
    return not _is_short_form(before, text[max(start, match.start() - 40) : match.start() + 1], after)


def _is_short_form(before: str, longer: str, after: str) -> bool:
    """Is the full stop at the end of `before` one of an abbreviation or initial, so that the sentence goes on?"""
    if _ABBREVIATION.search(before) or _INITIAL.search(longer):
        return True
    if after[:1].isdigit() and _BEFORE_NUMBERS.search(before):
        return True
    return not after[:1].isupper() and _MAY_END.search(before) is not None


@lru_cache(maxsize=256)
def _divider(separator: str) -> re.Pattern[str]:
    return re.compile(rf"\s?{re.escape(separator)}\s?")


def paragraphs(text: str, separator: str = "") -> list[str]:
    """Paragraphs: blocks divided by blank lines, or by a separator where one is agreed; empty ones do not count."""
    parts = _divider(separator).split(text) if separator.strip() else _BLANK.split(text)
    return [part.strip() for part in parts if part.strip()]


def lines(text: str) -> list[str]:
    """Lines that are not blank."""
    return [line for line in text.splitlines() if line.strip()]


def bullets(text: str) -> list[str]:
    """What stands behind each bullet: -, *, +, •."""
    return [_to_end_of_line(text, match.end()) for match in _BULLET.finditer(text)]


def numbered(text: str) -> list[str]:
    """What stands behind each number of a numbered list."""
    return [_to_end_of_line(text, match.end() - 1) for match in _NUMBERED.finditer(text)]


def _to_end_of_line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)].strip()


def bare(text: str) -> str:
    """Without the marks of Markdown and quotes around it."""
    return text.strip().strip("*_#>`\"'“”‘’ \t").strip()


@lru_cache(maxsize=1024)
def phrase_pattern(phrase: str, is_inflected: bool = False) -> re.Pattern[str]:
    """Matches a phrase as whole words, whatever its case and line breaks; inflected: also "cats" for "cat"."""
    phrase = phrase.strip()
    inner = re.escape(phrase).replace(r"\ ", r"\s+")
    left = r"(?<!\w)" if phrase[:1].isalnum() and phrase[:1].isascii() else ""
    right = r"(?!\w)" if phrase[-1:].isalnum() and phrase[-1:].isascii() else ""
    letters = len(phrase.rsplit(maxsplit=1)[-1]) if phrase else 0
    ending = _INFLECTED[min(max(letters, 2), 4) - 2] if is_inflected and right and phrase[-1:].isalpha() else ""
    return re.compile(f"{left}{inner}{ending}{right}", re.IGNORECASE)


def occurrences(text: str, phrase: str, is_inflected: bool = False) -> int:
    """How often a word or phrase occurs as whole words, whatever its case."""
    return sum(1 for _ in phrase_pattern(phrase, is_inflected).finditer(text)) if phrase.strip() else 0


def occurs(text: str, phrase: str, is_inflected: bool = False) -> bool:
    """Does a word or phrase occur? The first is enough."""
    return bool(phrase.strip()) and phrase_pattern(phrase, is_inflected).search(text) is not None
