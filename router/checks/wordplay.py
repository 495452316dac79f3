"""Checks of single words and their order: lengths, first letters, repetition, palindromes, growing sentences."""

from collections import Counter
from itertools import pairwise
from typing import Annotated, Any

import msgspec

from router.checks import counts, texts
from router.checks.check import Answer, Finding
from router.checks.parameters import Nothing

CONSONANTS = frozenset("bcdfghjklmnpqrstvwxyz")
CONJUNCTIONS = frozenset(["and", "but", "for", "nor", "or", "so", "yet"])
PRONOUNS = frozenset(
    [
        "i",
        "me",
        "my",
        "mine",
        "myself",
        "we",
        "us",
        "our",
        "ours",
        "ourselves",
        "you",
        "your",
        "yours",
        "yourself",
        "yourselves",
        "he",
        "him",
        "his",
        "himself",
        "she",
        "her",
        "hers",
        "herself",
        "it",
        "its",
        "itself",
        "they",
        "them",
        "their",
        "theirs",
        "themselves",
    ]
)


class Least(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: at least so many."""

    value: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Palindromes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: at least so many, each of at least `letters`."""

    value: Annotated[int, msgspec.Meta(ge=0, le=10_000)]
    letters: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3


class Growth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: how many words more than the sentence before."""

    value: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sentences that state (.), ask (?) and exclaim (!), as shares: `[2, 1]` is two statements for each question."""

    value: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=1000)]], msgspec.Meta(min_length=2, max_length=3)]


class Length(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Letters of a word: at least `min`, at most `max`."""

    min: Annotated[int, msgspec.Meta(ge=0)] | None = None
    max: Annotated[int, msgspec.Meta(ge=0)] | None = None


def _words(text: str) -> list[str]:
    return [token.casefold() for token in texts.tokens(text)]


def _share(bad: int, total: int, what: str) -> Finding:
    return Finding(1.0 if not bad else 0.9 * (1 - bad / max(total, 1)), f"{bad} of {total} {what}")


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % factor for factor in range(2, int(number**0.5) + 1))


def prime_lengths(answer: Answer, _: Nothing) -> Finding:
    """Every word's length is a prime number."""
    found = ["".join(filter(str.isalnum, word)) for word in answer.text.split()]
    found = [word for word in found if word]
    return _share(sum(not _is_prime(len(word)) for word in found), len(found), "words have no prime length")


def word_lengths(answer: Answer, p: Length) -> Finding:
    """Every word is as long as allowed."""
    found = _words(answer.text)
    bad = sum(len(word) < (p.min or 0) or (p.max is not None and len(word) > p.max) for word in found)
    return _share(bad, len(found), "words are too short or too long")


def consonant_clusters(answer: Answer, _: Nothing) -> Finding:
    """Every word has two consonants in a row."""
    found = answer.text.lower().split()
    bad = sum(not any(a in CONSONANTS and b in CONSONANTS for a, b in pairwise(word)) for word in found)
    return _share(bad, len(found), "words have no consonant cluster")


def alphabet_words(answer: Answer, _: Nothing) -> Finding:
    """Each word begins with the letter that follows the one before, A after Z."""
    initials = [word[0] for word in _words(answer.text)]
    bad = sum(b != chr((ord(a) - 96) % 26 + 97) for a, b in pairwise(initials) if a.isascii())
    bad += sum(not ("a" <= letter <= "z") for letter in initials)
    return _share(min(bad, len(initials)), len(initials), "words break the alphabet")


def no_same_initials(answer: Answer, _: Nothing) -> Finding:
    """No two words in a row begin with the same letter."""
    found = _words(answer.text)
    return _share(sum(a[0] == b[0] for a, b in pairwise(found)), len(found), "words begin like the one before")


def max_repeats(answer: Answer, p: Least) -> Finding:
    """No word occurs more often than so."""
    word, count = max(Counter(_words(answer.text)).items(), key=lambda item: item[1], default=("", 0))
    return counts.at_most(count, p.value, f"times '{word}'")


def palindromes(answer: Answer, p: Palindromes) -> Finding:
    """Words that read the same backwards."""
    found = [word for word in _words(answer.text) if len(word) >= p.letters and word == word[::-1]]
    return counts.at_least(len(found), p.value, f"palindromes of {p.letters} letters or more")


def min_conjunctions(answer: Answer, p: Least) -> Finding:
    """Different coordinating conjunctions: and, but, for, nor, or, so, yet."""
    return counts.at_least(len(CONJUNCTIONS.intersection(_words(answer.text))), p.value, "different conjunctions")


def min_pronouns(answer: Answer, p: Least) -> Finding:
    """Personal and possessive pronouns."""
    found = _words(answer.text.replace("/", " "))
    return counts.at_least(sum(word in PRONOUNS for word in found), p.value, "pronouns")


def vowel_kinds(answer: Answer, p: Least) -> Finding:
    """One paragraph with so many different vowels at most."""
    paragraphs = len(texts.lines(answer.text))
    kinds = len(set("aeiou").intersection(answer.text.lower()))
    finding = counts.at_most(kinds, p.value, "kinds of vowels")
    return finding if paragraphs == 1 else Finding(min(0.5, finding.score or 0.0), f"{paragraphs} paragraphs, 1 wanted")


def chained_sentences(answer: Answer, _: Nothing) -> Finding:
    """The last word of each sentence is the first of the next."""
    found = [words for words in map(_words, texts.sentences(answer.text)) if words]
    return _share(sum(a[-1] != b[0] for a, b in pairwise(found)), len(found), "sentences do not take up the last word")


def framed_paragraphs(answer: Answer, _: Nothing) -> Finding:
    """Each paragraph (line) ends with the word it began with."""
    found = [words for words in map(_words, texts.lines(answer.text)) if words]
    return _share(sum(words[0] != words[-1] for words in found), len(found), "paragraphs end with another word")


def growing_sentences(answer: Answer, p: Growth) -> Finding:
    """Each sentence has so many words more than the one before."""
    sizes = [len(sentence.split()) for sentence in texts.sentences(answer.text)]
    return _share(
        sum(b - a != p.value for a, b in pairwise(sizes)), len(sizes), f"sentences do not add {p.value} words"
    )


def sentence_ratio(answer: Answer, p: Ratio) -> Finding:
    """Statements, questions and exclamations stand in the ratio."""
    ends = [sentence.rstrip("\"'”’)]*_ ")[-1:] for sentence in texts.sentences(answer.text)]
    found = [ends.count(mark) for mark in ".?!"[: len(p.value)]]
    holds = all(
        a * y == b * x for a, x in zip(found, p.value, strict=True) for b, y in zip(found, p.value, strict=True)
    )
    return Finding(float(holds), f"{':'.join(map(str, found))}, ratio {':'.join(map(str, p.value))} wanted")


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    "prime_lengths": (Nothing, prime_lengths, None),
    "word_lengths": (Length, word_lengths, None),
    "consonant_clusters": (Nothing, consonant_clusters, None),
    "alphabet_words": (Nothing, alphabet_words, None),
    "no_same_initials": (Nothing, no_same_initials, None),
    "max_repeats": (Least, max_repeats, None),
    "palindromes": (Palindromes, palindromes, None),
    "min_conjunctions": (Least, min_conjunctions, None),
    "min_pronouns": (Least, min_pronouns, None),
    "vowel_kinds": (Least, vowel_kinds, None),
    "chained_sentences": (Nothing, chained_sentences, None),
    "framed_paragraphs": (Nothing, framed_paragraphs, None),
    "growing_sentences": (Growth, growing_sentences, None),
    "sentence_ratio": (Ratio, sentence_ratio, None),
}
