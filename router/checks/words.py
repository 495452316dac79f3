"""Checks of wording: keywords, start and end, case, forbidden characters, choice, language."""

import re
from functools import cache
from typing import Any

import msgspec
import re2

from router.checks import texts
from router.checks.check import Answer, Finding


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: one phrase or several."""

    value: str | list[str]

    @property
    def phrases(self) -> list[str]:
        """Always a list."""
        return [self.value] if isinstance(self.value, str) else self.value


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: the phrase."""

    value: str


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pattern` (RE2); `full`: must the whole answer match?"""

    pattern: str
    full: bool = False

    def __post_init__(self) -> None:
        try:
            re2.compile(self.pattern)
        except re2.error as error:
            raise ValueError(f"not a valid pattern: {error}") from None


def contains(answer: Answer, p: Phrases) -> Finding:
    """All phrases occur."""
    missing = [phrase for phrase in p.phrases if not texts.occurrences(answer.text, phrase)]
    count = len(p.phrases)
    if not missing:
        return Finding(1.0, f"{count} of {count} phrases occur")
    return Finding((count - len(missing)) / count, f"missing: {', '.join(missing)} ({count - len(missing)} of {count})")


def excludes(answer: Answer, p: Phrases) -> Finding:
    """No phrase occurs."""
    found = {phrase: texts.occurrences(answer.text, phrase) for phrase in p.phrases}
    bad = {phrase: count for phrase, count in found.items() if count}
    if not bad:
        return Finding(1.0, f"none of {len(found)} forbidden phrases occurs")
    shown = ", ".join(f"'{phrase}' {count} times" for phrase, count in bad.items())
    return Finding(0.5 * (1 - len(bad) / len(found)) / max(1, sum(bad.values())), f"forbidden: {shown}")


def excludes_already(partial: str, p: Phrases) -> bool:
    """A forbidden phrase stands there, and more text after it."""
    return any(texts.occurrences(partial[:-20], phrase) for phrase in p.phrases)


def excludes_characters(answer: Answer, p: Phrase) -> Finding:
    """None of these characters occurs."""
    count = sum(character in p.value for character in answer.text)
    return Finding(1.0 if not count else max(0.0, 0.9 - count / 20), f"{count} of the characters {p.value!r}")


def characters_already(partial: str, p: Phrase) -> bool:
    """A forbidden character stands there."""
    return any(character in p.value for character in partial)


def starts_with(answer: Answer, p: Phrase) -> Finding:
    """The answer begins with the phrase, whatever its case."""
    holds = answer.text.strip().casefold().startswith(p.value.strip().casefold())
    return Finding(float(holds), f"begins with {answer.text.strip()[: len(p.value) + 20]!r}, '{p.value}' wanted")


def ends_with(answer: Answer, p: Phrase) -> Finding:
    """The answer ends with the phrase, whatever its case; a closing quote after it is allowed."""
    text = answer.text.strip().strip('"').strip().casefold()
    return Finding(float(text.endswith(p.value.strip().casefold())), f"ends with {answer.text.strip()[-60:]!r}")


def lowercase(answer: Answer, _: Nothing) -> Finding:
    """No capital letter."""
    count = sum(map(str.isupper, answer.text))
    return _share(count, len(answer.text), "capital letters")


def uppercase(answer: Answer, _: Nothing) -> Finding:
    """No small letter."""
    count = sum(map(str.islower, answer.text))
    return _share(count, len(answer.text), "small letters")


def regex(answer: Answer, p: Pattern) -> Finding:
    """The pattern matches somewhere, or the whole answer."""
    compiled = re2.compile(p.pattern)
    found = compiled.fullmatch(answer.text) if p.full else compiled.search(answer.text)
    return Finding(float(found is not None), f"the pattern {'matches' if found else 'does not match'}")


def one_of(answer: Answer, p: Phrases) -> Finding:
    """The answer is, or contains, one of the choices."""
    found = [choice for choice in p.phrases if choice.strip().casefold() in answer.text.casefold()]
    return Finding(float(bool(found)), f"contains {found[0]!r}" if found else "none of the choices")


def repeats_prompt(answer: Answer, _: Nothing) -> Finding:
    """The answer begins with the request, word for word."""
    prompt = " ".join(answer.prompt.split()).casefold()
    holds = bool(prompt) and " ".join(answer.text.split()).casefold().startswith(prompt)
    return Finding(float(holds), "begins with the request" if holds else "does not begin with the request")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)


def language(answer: Answer, p: Phrase) -> Finding:
    """The answer is written in the language (ISO 639-1 code); very short answers cannot be told."""
    if len(re.findall(r"[^\W\d_]", answer.text)) < 12:
        return Finding(None, "too short to tell its language")
    code, probability = _identifier().classify(answer.text)
    holds = code == p.value.lower()
    return Finding(1.0 if holds else 0.0, f"language {code} ({float(probability):.2f}), {p.value} wanted")


def _share(count: int, length: int, unit: str) -> Finding:
    return Finding(1.0 if not count else 0.9 * (1 - count / max(length, 1)), f"{count} {unit}")


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    "contains": (Phrases, contains, None),
    "excludes": (Phrases, excludes, excludes_already),
    "excludes_characters": (Phrase, excludes_characters, characters_already),
    "starts_with": (Phrase, starts_with, None),
    "ends_with": (Phrase, ends_with, None),
    "lowercase": (Nothing, lowercase, lambda partial, _: any(map(str.isupper, partial))),
    "uppercase": (Nothing, uppercase, lambda partial, _: any(map(str.islower, partial))),
    "regex": (Pattern, regex, None),
    "one_of": (Phrases, one_of, None),
    "repeats_prompt": (Nothing, repeats_prompt, None),
    "language": (Phrase, language, None),
}
