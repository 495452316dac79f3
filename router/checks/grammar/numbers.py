"""Numbers, ordinals and times in words or digits."""

import re

ONES = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
SCALES = {"hundred": 100, "thousand": 1000}
TIMES = {"once": 1, "twice": 2, "thrice": 3}
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "last": -1, "final": -1, "penultimate": -2, "opening": 1, "closing": -1,
}  # fmt: skip
_STARTS = frozenset((*ONES, *TENS, "a", "half"))
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")


def read_numbers(tokens: list[str]) -> list[str]:
    """Number words become #n, ordinals @n, "twice" #2 times."""
    read: list[str] = []
    position = 0
    while position < len(tokens):
        word = tokens[position]
        value, used = _number(tokens, position) if word[0].isdigit() or word in _STARTS else (0, 0)
        if used:
            read.append(f"#{value}")
            position += used
            continue
        ordinal = _ORDINAL.fullmatch(word)
        if ordinal:
            read.append(f"@{int(ordinal.group(1))}")
        elif word in ORDINALS:
            read.append(f"@{ORDINALS[word]}")
        elif word in TIMES:
            read += [f"#{TIMES[word]}", "times"]
        elif word in ("single", "dozen"):
            read.append("#1" if word == "single" else "#12")
        else:
            read.append(word)
        position += 1
    return read


def _number(tokens: list[str], start: int) -> tuple[int, int]:
    """(value, words used) of the number that begins here; (0, 0) if none does."""
    if _DIGITS.fullmatch(tokens[start]):
        value = int(tokens[start].replace(",", ""))
        following = tokens[start + 1] if start + 1 < len(tokens) else ""
        return (value * SCALES[following], 2) if following in SCALES else (value, 1)
    if tokens[start : start + 3] == ["half", "a", "dozen"]:
        return 6, 3
    if tokens[start] == "a":
        return _spelt(tokens, start + 1, 1) if tokens[start + 1 : start + 2] and tokens[start + 1] in SCALES else (0, 0)
    return _spelt(tokens, start, 0)


def _spelt(tokens: list[str], start: int, current: int) -> tuple[int, int]:
    """A number in words; `current` is 1 after "a" ("a hundred"), which is one word used."""
    total, used, position = 0, current, start
    while position < len(tokens):
        word = tokens[position]
        if word in SCALES and (position > start or used):
            current = max(current, 1) * SCALES[word]
            total, current = (total + current, 0) if word == "thousand" else (total, current)
        elif _fits(word, current):
            current += ONES.get(word, 0) + TENS.get(word, 0)
        elif not (word == "and" and position > start and tokens[position - 1] in SCALES and _goes_on(tokens, position)):
            break
        position += 1
    return (total + current, position - start + used) if position > start else (0, 0)


def _fits(word: str, current: int) -> bool:
    """May this word follow, as in "twenty" + "five"?"""
    if word in TENS:
        return current % 100 == 0
    return word in ONES and current % 10 == 0 and (current % 100 == 0 or ONES[word] < 10)


def _goes_on(tokens: list[str], position: int) -> bool:
    following = tokens[position + 1] if position + 1 < len(tokens) else ""
    after = tokens[position + 2] if position + 2 < len(tokens) else ""
    return (following in ONES or following in TENS) and after not in SCALES
