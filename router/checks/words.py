"""Checks of wording: keywords, start and end, case, forbidden characters, choice, language, the request repeated."""

import re
from typing import Any

import msgspec
import re2

from router.checks import texts
from router.checks.check import Answer, Finding
from router.checks.languages import judge_language
from router.checks.marks import ends_with_emoji
from router.checks.parameters import Nothing, Pattern, Phrase, Phrases, quiet

_TAIL = 40


def contains(answer: Answer, p: Phrases) -> Finding:
    """All phrases occur."""
    missing = [phrase for phrase in p.phrases if not texts.occurs(answer.text, phrase, True)]
    count = len(p.phrases)
    if not missing:
        return Finding(1.0, f"{count} of {count} phrases occur")
    return Finding((count - len(missing)) / count, f"missing: {', '.join(missing)} ({count - len(missing)} of {count})")


def contains_any(answer: Answer, p: Phrases) -> Finding:
    """At least one phrase occurs."""
    count = sum(texts.occurs(answer.text, phrase, True) for phrase in p.phrases)
    return Finding(float(count > 0), f"{count} of {len(p.phrases)} phrases occur, 1 wanted")


def excludes(answer: Answer, p: Phrases) -> Finding:
    """No phrase occurs."""
    found = {phrase: texts.occurrences(answer.text, phrase) for phrase in p.phrases}
    bad = {phrase: count for phrase, count in found.items() if count}
    if not bad:
        return Finding(1.0, f"0 of {len(found)} forbidden phrases occur")
    shown = ", ".join(f"'{phrase}' {count} times" for phrase, count in bad.items())
    return Finding(max(0.0, 0.9 - 0.1 * sum(bad.values())), f"forbidden: {shown}")


def excludes_already(partial: str, p: Phrases) -> bool:
    """A forbidden phrase stands there, and more text after it."""
    ends = (match.end() for phrase in p.phrases for match in texts.phrase_pattern(phrase).finditer(partial))
    return any(end < len(partial) for end in ends)


def excludes_characters(answer: Answer, p: Phrase) -> Finding:
    """None of these characters occurs."""
    count = sum(map(answer.text.count, set(p.value)))
    return Finding(1.0 if not count else max(0.0, 0.9 - count / 20), f"{count} of the characters {p.value!r}")


def characters_already(partial: str, p: Phrase) -> bool:
    """A forbidden character stands there."""
    return any(character in partial for character in p.value)


def starts_with(answer: Answer, p: Phrase) -> Finding:
    """The answer begins with the phrase, whatever its case; marks of Markdown and quotes before it are allowed."""
    text = answer.text.strip()
    wanted = " ".join(p.value.split()).casefold()
    holds = any(_begins(" ".join(start.split()).casefold(), wanted) for start in (text, text.lstrip("*_#>\"'“‘ \n\t")))
    return Finding(float(holds), f"begins with {text[: len(p.value) + 20]!r}, '{p.value}' wanted")


def _begins(text: str, wanted: str) -> bool:
    if not text.startswith(wanted):
        return False
    after = text[len(wanted) : len(wanted) + 1]
    return not (wanted[-1:].isalnum() and after.isalnum())


def ends_with(answer: Answer, p: Phrase) -> Finding:
    """The answer ends with the phrase, whatever its case; quotes and marks of Markdown around it are allowed."""
    text = " ".join(answer.text.split()).casefold()
    wanted = " ".join(p.value.split()).casefold().strip('"')
    holds = any(end.endswith(wanted) for end in (text, text.rstrip("\"'”’*_ ")))
    if not holds and wanted[-1:].isalnum():
        holds = text.rstrip("\"'”’*_ ").rstrip(".!?").endswith(wanted)
    return Finding(float(holds), f"ends with {answer.text.strip()[-_TAIL:]!r}, '{p.value}' wanted")


def first_word(answer: Answer, p: Phrase) -> Finding:
    """The first word is this one, whatever its case."""
    return _is_word(answer.text[:400], 0, p.value, "first")


def last_word(answer: Answer, p: Phrase) -> Finding:
    """The last word is this one, whatever its case."""
    return _is_word(answer.text[-400:], -1, p.value, "last")


def _is_word(text: str, position: int, wanted: str, shown: str) -> Finding:
    found = (texts.tokens(texts.bare(text)) or [""])[position]
    holds = found.casefold() == wanted.strip().casefold()
    return Finding(float(holds), f"{shown} word '{found[:40]}', '{wanted}' wanted")


def first_word_already(partial: str, p: Phrase) -> bool:
    """A first word with something after it stays."""
    return len(texts.tokens(partial)) > 2 and not first_word(Answer(partial), p).passed


def emoji_end(answer: Answer, _: Nothing) -> Finding:
    """An emoji ends it, before or after its full stop."""
    holds = ends_with_emoji(answer.text)
    return Finding(float(holds), f"{'ends' if holds else 'does not end'} with an emoji")


def ends_with_mark(answer: Answer, p: Phrase) -> Finding:
    """The last visible sign is one of these."""
    last = answer.text.strip().rstrip("\"'”’*_)] ")[-1:]
    return Finding(float(last != "" and last in p.value), f"ends with '{last}', one of '{p.value}' wanted")


def lowercase(answer: Answer, _: Nothing) -> Finding:
    """No capital letter, and some letter."""
    return _cased(answer.text, str.isupper, str.islower, "capital letters")


def uppercase(answer: Answer, _: Nothing) -> Finding:
    """No small letter, and some letter."""
    return _cased(answer.text, str.islower, str.isupper, "small letters")


def _cased(text: str, is_wrong: Any, is_right: Any, unit: str) -> Finding:
    wrong, right = sum(map(is_wrong, text)), sum(map(is_right, text))
    if not wrong and not right:
        return Finding(0.0 if text.strip() == "" else 1.0, f"0 {unit}, no letters at all")
    return Finding(1.0 if not wrong else 0.9 * right / (wrong + right), f"{wrong} {unit}, 0 wanted")


def regex(answer: Answer, p: Pattern) -> Finding:
    """The pattern matches somewhere, or the whole answer. Linear time."""
    compiled = re2.compile(p.pattern, quiet())
    found = compiled.fullmatch(answer.text) if p.full else compiled.search(answer.text)
    return Finding(float(found is not None), f"the pattern {'matches' if found else 'does not match'}")


def one_of(answer: Answer, p: Phrases) -> Finding:
    """The answer is one of the choices, in any case; a whole sentence must stand in it to the letter."""
    given = _plain(answer.text)
    whole = [choice for choice in p.phrases if _is_sentence(choice)]
    found = [choice for choice in p.phrases if choice not in whole and _plain(choice) == given]
    found += [choice for choice in whole if choice in answer.text]
    return Finding(float(bool(found)), f"is {found[0]!r}" if found else f"none of {len(p.phrases)} choices")


def _is_sentence(choice: str) -> bool:
    return len(choice.split()) > 2 and choice.rstrip().endswith((".", "!", "?"))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip("\"'`*_.,;:!?()[] “”‘’")


_REPEAT = re.compile(r"\b(?:repeat|copy)\b", re.IGNORECASE)


def _before_instruction(prompt: str) -> str:
    """The prompt up to the sentence that asks to repeat it."""
    found = _REPEAT.search(prompt)
    if found is None:
        return prompt
    return prompt[: max(prompt.rfind(mark, 0, found.start()) for mark in ".!?\n") + 1]


def repeats_prompt(answer: Answer, _: Nothing) -> Finding:
    """The answer begins with the request, word for word; the instruction to repeat may be left out."""
    if not answer.prompt.strip():
        return Finding(None, "the request is not known")
    given = " ".join(answer.text.split()).casefold()
    asked = [" ".join(text.split()).casefold() for text in (answer.prompt, _before_instruction(answer.prompt))]
    holds = any(text and given.startswith(text) for text in asked)
    return Finding(float(holds), f"{'begins' if holds else 'does not begin'} with the request, word for word")


def language(answer: Answer, p: Phrase) -> Finding:
    """The answer is written in the language (ISO 639-1 code); very short answers cannot be told."""
    return judge_language(answer, p.value)


_SMALL_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "but",
        "or",
        "nor",
        "for",
        "so",
        "yet",
        "as",
        "at",
        "by",
        "in",
        "of",
        "off",
        "on",
        "per",
        "to",
        "up",
        "via",
        "with",
        "from",
        "into",
        "onto",
        "over",
        "than",
        "is",
        "if",
        "it",
        "vs",
    ]
)


def title_case(answer: Answer, _: Nothing) -> Finding:
    """Every word but articles, conjunctions and short prepositions begins with a capital letter."""
    found = [token for token in texts.tokens(answer.text) if token[0].isalpha()]
    wrong = [token for token in found if token[0].islower() and token not in _SMALL_WORDS]
    if not wrong:
        return Finding(1.0, f"0 of {len(found)} words lack their capital")
    return Finding(0.9 * (1 - len(wrong) / len(found)), f"{len(wrong)} of {len(found)} words lack their capital")


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    "contains": (Phrases, contains, None),
    "contains_any": (Phrases, contains_any, None),
    "excludes": (Phrases, excludes, excludes_already),
    "excludes_characters": (Phrase, excludes_characters, characters_already),
    "starts_with": (Phrase, starts_with, None),
    "ends_with": (Phrase, ends_with, None),
    "first_word": (Phrase, first_word, first_word_already),
    "last_word": (Phrase, last_word, None),
    "ends_with_emoji": (Nothing, emoji_end, None),
    "ends_with_mark": (Phrase, ends_with_mark, None),
    "lowercase": (Nothing, lowercase, lambda partial, _: any(map(str.isupper, partial))),
    "uppercase": (Nothing, uppercase, lambda partial, _: any(map(str.islower, partial))),
    "title_case": (Nothing, title_case, None),
    "regex": (Pattern, regex, None),
    "one_of": (Phrases, one_of, None),
    "repeats_prompt": (Nothing, repeats_prompt, None),
    "language": (Phrase, language, None),
}
