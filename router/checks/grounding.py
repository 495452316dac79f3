"""Is each claim of an answer supported by the sources? Claims split, words compared; what words leave open is asked."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from router.task import Requirement
from router.tools.passages import Passage, citations, without_marks

Grounding = Literal["grounded", "cited"]
KINDS: tuple[Grounding, ...] = ("grounded", "cited")
SUPPORTED = 0.8
UNSUPPORTED = 0.15
"""Shares of a claim's words that a passage has: from the first on it is supported, below the second it is not."""
LEFT_OPEN = 0.5
"""The most that words alone say of a claim with another number, or with a "not" more or less, than the passage."""
SHORTEST_CLAIM_WORDS = 3

_SOURCES = r"(?:the |your |these |those |given |provided |retrieved |above |attached )*" + (
    r"(?:sources?|documents?|passages?|context|files?|search results|material|references?|articles?|pages?)"
)
_GROUNDED = re.compile(
    rf"\b(?:only|solely|exclusively|strictly)\s+(?:\w+\s+){{0,4}}?(?:from|on|in|using|by|with)?\s*{_SOURCES}"
    rf"|\b(?:ground(?:ed)?|support(?:ed)?|backed)\b.{{0,30}}{_SOURCES}"
    r"|\b(?:no|not|without|avoid|never)\b.{0,40}\b(?:outside|external|unsupported|prior)\b.{0,20}"
    r"\b(?:knowledge|information|facts?|claims?|statements?)"
    rf"|\bnot (?:in|found in|supported by) {_SOURCES}",
    re.IGNORECASE | re.DOTALL,
)
_CITED = re.compile(
    r"\bcit(?:e|es|ing|ation)\b.{0,40}\b(?:every|each|all|sources?|claims?|statements?|sentences?)"
    r"|\b(?:every|each|all)\b.{0,30}\b(?:claims?|statements?|sentences?|facts?)\b.{0,40}\b(?:cit|source|reference)"
    r"|\bwith (?:inline )?citations?\b",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[A-Z0-9À-ÖØ-Þ])|\n+")
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_ABSTAINS = re.compile(
    r"\b(?:do(?:es)? not|don't|doesn't|cannot|can't|could not|couldn't|no)\b.{0,60}"
    r"\b(?:know|say|mention|contain|state|find|found|answer|information|tell|specify|provide)",
    re.IGNORECASE,
)
_STOP_WORDS = (
    "a about above according after all also although an and any are as at be because been before being "
    "between both but by can could did do does during each for from had has have he her here him his how "
    "however i if in into is it its just like may me might more most must my no nor not of on one only "
    "or other our out over said same she should so some source sources such than that the their them "
    "then there therefore these they this those through thus to too under until up very was we were what "
    "when where which while who why will with would you your "
)
_NEGATION = re.compile(r"\b(?:not|never|no|none|nor|neither|without|cannot|nobody|nothing)\b|n['’]t\b", re.IGNORECASE)
_NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion"
)
_STOP = frozenset(_STOP_WORDS.split())
_NUMBERS = frozenset(_NUMBER_WORDS.split())


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of an answer, and the numbers of the passages it cites."""

    text: str
    cites: frozenset[int] = frozenset()


def grounding_of(requirement: Requirement) -> tuple[Grounding, ...]:
    """What a requirement asks of the sources, by its explicit check or by its words; nothing for most."""
    if requirement.check is not None:
        kind = requirement.check.get("type")
        return tuple(known for known in KINDS if known == kind)
    text = requirement.description
    found: list[Grounding] = []
    if _GROUNDED.search(text):
        found.append("grounded")
    if _CITED.search(text):
        found.append("cited")
    return tuple(found)


def claims_of(text: str, passages: Sequence[Passage]) -> list[Claim]:
    """The statements of an answer: no titles, no questions, nothing said about not knowing."""
    found: list[Claim] = []
    for sentence in _with_marks(_SENTENCE.split(text)):
        bare = without_marks(sentence).strip(" \t-*•>")
        is_title = sentence.lstrip().startswith("#") or bare.endswith(":")
        if is_title or bare.endswith("?") or _ABSTAINS.search(bare) or len(words_of(bare)) < SHORTEST_CLAIM_WORDS:
            continue
        found.append(Claim(bare, frozenset(p.number for _, _, p in citations(sentence, passages))))
    return found


def _with_marks(sentences: Sequence[str | None]) -> list[str]:
    """A mark that stands after the full stop belongs to the sentence before it."""
    whole: list[str] = []
    for sentence in sentences:
        if not sentence or not sentence.strip():
            continue
        if whole and not without_marks(" " + sentence).strip(" ."):
            whole[-1] += f" {sentence}"
            continue
        leading = re.match(r"\s*(?:\[\d[\d, ]*\]\s*)+", sentence)
        if whole and leading:
            whole[-1] += f" {leading[0]}"
        whole.append(sentence[leading.end() :] if leading and whole else sentence)
    return whole


def words_of(text: str) -> list[str]:
    """Its words that carry meaning, endings taken off."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def stem(word: str) -> str:
    """A light stem: plurals, -ing, -ed, -ly."""
    for ending in ("ingly", "edly", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word[-1].isdigit():
            cut = word[: -len(ending)]
            return cut + "y" if ending in ("ies", "ied") else cut.removesuffix("e")
    return word.removesuffix("e") if len(word) > 4 else word


def support(claim: str, passages: Sequence[Passage]) -> float:
    """The largest share of a claim's words that one passage has; a number or a name it has not counts double.

    0..1; 0 without passages. (Lexical support; as high as `SUPPORTED` only where nearly every word is there, no number
    is another, and the nearest sentence says no "not" that the claim does not say.)
    """
    words = set(words_of(claim))
    numbers = {word for word in words if word[0].isdigit() or word in _STEMMED_NUMBERS}
    total = float(len(words) + len(numbers))
    best = 0.0
    for passage in passages:
        has = set(words_of(f"{passage.title}\n{passage.text}"))
        share = (len(words & has) + len(numbers & has)) / max(total, 1.0)
        if share > best and (not numbers <= has or _is_negated(claim) != _is_negated(nearest(words, passage.text))):
            share = min(share, LEFT_OPEN)
        best = max(best, share)
    return best


def nearest(words: Collection[str], text: str) -> str:
    """The sentence that shares most words, the first of equals."""
    sentences = [one for one in _SENTENCE.split(text) if one] or [""]
    return max(sentences, key=lambda sentence: len(set(words) & set(words_of(sentence))))


def _is_negated(text: str) -> bool:
    return len(_NEGATION.findall(text)) % 2 == 1


_STEMMED_NUMBERS = frozenset(map(stem, _NUMBERS))
