"""Answers on both sides of the newer instructions' edges (IFBench), made from a real answer or from nothing."""

import random
import re
import string
from collections.abc import Callable
from typing import Any

Maker = Callable[[dict[str, Any], str, random.Random], list[str]]
_SAID = "level radar civic rotor kayak madam refer solos stats tenet minim sagas"
_PALINDROMES = _SAID.split()
_CLUSTERS = "black storm drank fresh strong milk blend craft"
_PRIMES = "we run to see seven happy people in the green field"
_CONJUNCTIONS = ("and", "but", "for", "nor", "or", "so", "yet")
_NUMBERS = ("7", "3.5", "1,000")
_NAMES = (
    "Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Amelia Benjamin Harper Leo Zoe "
    "Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella Jacob Scarlett Victoria Elijah"
)


def _words(count: int, base: str) -> str:
    found = re.findall(r"\w+", base) or ["word"]
    return " ".join(found[i % len(found)] for i in range(count))


def _around(make: Callable[[int], str], n: int) -> list[str]:
    return [make(count) for count in (n - 1, n, n + 1) if count > 0]


def _multiple(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    names = [arguments[f"keyword{i}"] for i in range(1, 6)]
    right = ". ".join(", ".join([name] * count) for name, count in zip(names, (1, 2, 3, 5, 7), strict=True))
    return [right + ".", right.upper(), f"{right} {names[0]}", right.replace(names[4], "x", 1), f"The {right}!"]


def _position(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    place, word, keyword = arguments["n"], arguments["m"], arguments["keyword"]

    def make(sentence: int, position: int) -> str:
        target = " ".join([*["it"] * (position - 1), keyword, "was", "so"]).capitalize() + "."
        return " ".join(["We went on."] * (sentence - 1) + [target, "We came home."])

    return [
        make(place, word),
        make(place, word + 1),
        make(place + 1, word),
        make(place, word).replace("so.", "so, yes."),
    ]


def _sentence_word(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    n, word = arguments["N"], arguments["word"]

    def make(place: int, said: str) -> str:
        return " ".join([*["We went on."] * (place - 1), f"Then the {said} came.", "All was well."])

    return [make(n, word), make(n + 1, word), make(n, word.upper()), make(n, f'"{word}"'), make(n, "thing")]


def _growing(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    step = arguments["small_n"]

    def make(by: int) -> str:
        return " ".join(" ".join(["we"] * (2 + i * by)).capitalize() + "." for i in range(4))

    return [make(step), make(step + 1), make(step).replace("we.", "we!"), make(step).replace("We", "We,", 1)]


def _list(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    sign = arguments["sep"]
    return [
        f"{sign} one\n{sign} two\n{sign} three",
        f"Here:\n{sign}one\n{sign}two",
        "* one\n* two",
        f"{sign} one",
        "- a",
    ]


def _options(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    given = arguments["options"]
    parts = [part.strip() for part in re.split(r"/|,? or |,", given) if part.strip()]
    return [parts[0], parts[-1].upper(), f"{parts[0]}.", f"I say {parts[0]}", "none of it", f' "{parts[-1]}" ']


def _names(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    known = _NAMES.split()
    return _around(lambda count: ", ".join(known[:count]) + " met.", arguments["N"])


def _alphabet(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    def make(start: int, count: int) -> str:
        return " ".join(string.ascii_lowercase[(start + i) % 26] + "la" for i in range(count))

    return [make(0, 30), make(5, 24).capitalize() + ".", make(0, 5) + " xla", make(23, 6).replace(" ", ", ")]


def _says(*texts: str) -> Maker:
    return lambda arguments, base, chance: list(texts)


BENCH_MAKERS: dict[str, Maker] = {
    "count:keywords_multiple": _multiple,
    "count:numbers": lambda a, b, c: _around(
        lambda n: "We saw " + " and ".join(_NUMBERS[i % 3] for i in range(n)) + ".", a["N"]
    ),
    "count:person_names": _names,
    "count:pronouns": lambda a, b, c: _around(lambda n: " ".join(["she saw"] * n) + ".", a["N"]),
    "count:conjunctions": lambda a, b, c: _around(lambda n: " ".join(_CONJUNCTIONS[:n]), a["small_n"]),
    "count:punctuation": _says(
        "A; b: c, d! e? f. What?!",
        "A; b: c, d! e? f.",
        "Yes: no; so, what?! It is.",
        "Oh‽ A; b: c, d! e? f.",
        "A; b, c?! d! e.",
    ),
    "count:unique_word_count": lambda a, b, c: _around(
        lambda n: " ".join(f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(n)), a["N"]
    ),
    "count:word_count_range": lambda a, b, c: [
        _words(n, b) for n in (a["min_words"] - 1, a["min_words"], a["max_words"], a["max_words"] + 1)
    ],
    "format:emoji": _says(
        "We go 😀. You stay 🎉!",
        "We go. 😀 You stay! 🎉",
        "We go 😀. You stay.",
        "We go. You stay. 😀",
        "Well? 👍🏽 So. ❤️",
    ),
    "format:line_indent": _says("a\n b\n  c", "a\n  b\n    c\n      d", "a\nb\nc", "a\n b\n b", " a\n  b"),
    "format:list": _list,
    "format:newline": _says("one\ntwo\nthree.", "one two\nthree", "one\n\ntwo\n\nthree", "one"),
    "format:no_whitespace": _says("nospacehere.", "a b", "line\nline", "tab\there"),
    "format:options": _options,
    "format:output_template": _says(
        "My Answer: yes\nMy Conclusion: so\nFuture Outlook: good",
        "My Answer: yes\nFuture Outlook: good",
        "my answer: a my conclusion: b future outlook: c",
    ),
    "format:parentheses": _says(
        "(a [b {c (d [e])}])", "((((deep))))", "(((((deep)))))", "( [ { ( [ } ) ] ) )", "a (b) [c] {d} (e) [f]"
    ),
    "format:title_case": _says(
        "The Big Cat", "The Big cat", "A Tale of Two Cities", "The End Is Here", "The NASA Story"
    ),
    "ratio:sentence_balance": _says(
        "It is. Is it? It is!", "It is. Is it?", "A cat. A dog. Is it? Was it? Yes! No!", "It is. It is. Is it? Yes!"
    ),
    "ratio:sentence_type": _says(
        "It is. It was. Is it?",
        "It is. Is it?",
        "A cat. A dog. A cow. An ox. Is it? Was it?",
        "It is. It was. Is it? No!",
    ),
    "sentence:increment": _growing,
    "sentence:keyword": _sentence_word,
    "words:alphabet": _alphabet,
    "words:consonants": _says(_CLUSTERS, _CLUSTERS + " a", "Strong, black!", "We go"),
    "words:keywords_specific_position": _position,
    "words:last_first": _says(
        "We saw the sea. Sea is blue. Blue it is.", "We saw it. They left.", "I go home! Home is far? Far away.", "One."
    ),
    "words:no_consecutive": _says(
        "The cat sat near dogs", "The tall cat", "Big, bad dogs", "One two one two", "A well-known day"
    ),
    "words:palindrome": _says(
        " ".join(_PALINDROMES[:10]),
        " ".join(_PALINDROMES[:9]),
        ", ".join(_PALINDROMES) + ".",
        "Level " * 10,
        "noon pop " * 6,
    ),
    "words:paragraph_last_first": _says(
        "Sea is the sea\nWe are we", "Sea is blue\nWe are we", "Sea is the sea.\n\nWe, so are we!", "Sea is the Sea"
    ),
    "words:prime_lengths": _says(_PRIMES, "we went to see", "we run, to see!", "it's so"),
    "words:repeats": lambda a, b, c: _around(lambda n: " ".join(["sea"] * n + ["sky", "sun"]) + ".", a["small_n"]),
    "words:vowel": _says(
        "A cat sat as a man ran", "All men sing", "Go to sun and ice here", "A cat\nA man", "I sip milk"
    ),
    "words:words_position": lambda a, b, c: [
        f"So {a['keyword']} it was and {a['keyword']} again",
        f"So {a['keyword']} it was",
        f"A {a['keyword']} so {a['keyword']} b.",
        f"{a['keyword']} it was {a['keyword']}",
    ],
    "format:sub-bullets": _says("* a\n  - b\n* c\n  - d", "* a\n* c\n  - d", "* a\n  - b", "- a\n- b", "* a\n b - c"),
}
