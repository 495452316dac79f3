"""Checks of layout: quotation, titles, postscripts, two answers, templates, sub-bullets, nesting."""

import re
from itertools import pairwise
from typing import Annotated, Any

import msgspec

from router.checks import texts
from router.checks.check import Answer, Finding
from router.checks.parameters import Nothing, Phrase, Phrases


class Depth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: levels."""

    value: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Parts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: how many different answers; `separator`: what divides them."""

    value: Annotated[int, msgspec.Meta(ge=2, le=100)] = 2
    separator: str = "******"


def quoted(answer: Answer, _: Nothing) -> Finding:
    """The whole answer stands in double quotes."""
    text = answer.text.strip()
    holds = len(text) > 1 and (text[0] == text[-1] == '"' or (text[0] == "“" and text[-1] == "”"))
    return Finding(float(holds), "in double quotes" if holds else f"begins {text[:1]!r}, ends {text[-1:]!r}")


def title(answer: Answer, _: Nothing) -> Finding:
    """There is a title in double angular brackets."""
    holds = any(match.strip("<> ") for match in re.findall(r"<<([^\n]{1,300}?)>>", answer.text))
    return Finding(float(holds), "has a <<title>>" if holds else "no title in double angular brackets")


def postscript(answer: Answer, p: Phrase) -> Finding:
    """There is a postscript that begins with the marker."""
    marker = p.value.strip().rstrip(":").rstrip(".")
    loose = r"\s?".join(re.escape(sign) for sign in re.sub(r"\s", "", marker))
    holds = re.search(rf"(?<!\w){loose}(?!\w)", answer.text, re.IGNORECASE) is not None
    return Finding(float(holds), f"{'has' if holds else 'no'} postscript '{p.value}'")


def different_answers(answer: Answer, p: Parts) -> Finding:
    """So many answers, all different, divided by the separator; none is empty."""
    parts = [part.strip() for part in answer.text.split(p.separator)]
    inner = [part for i, part in enumerate(parts) if part or 0 < i < len(parts) - 1]
    holds = len(inner) == p.value and len(set(inner)) == p.value and all(inner)
    return Finding(float(holds), f"{len(set(inner))} different parts divided by {p.separator}, {p.value} wanted")


def template(answer: Answer, p: Phrases) -> Finding:
    """The labels all stand there, in their order."""
    position, count = 0, 0
    for label in p.phrases:
        found = answer.text.find(label, position)
        if found >= 0:
            position, count = found + len(label), count + 1
    return Finding(count / len(p.phrases), f"{count} of {len(p.phrases)} labels in order")


def no_whitespace(answer: Answer, _: Nothing) -> Finding:
    """Nothing but visible signs."""
    count = sum(map(str.isspace, answer.text))
    return Finding(1.0 if not count else 0.9 * (1 - count / len(answer.text)), f"{count} blanks, 0 wanted")


def word_lines(answer: Answer, _: Nothing) -> Finding:
    """Each word stands on a line of its own."""
    crowded = sum(len(line.split()) > 1 for line in texts.lines(answer.text))
    count = len(texts.lines(answer.text))
    return Finding(
        1.0 if not crowded else 0.9 * (1 - crowded / count), f"{crowded} of {count} lines hold several words"
    )


def stairs(answer: Answer, _: Nothing) -> Finding:
    """Each line is indented further than the one before."""
    indents = [len(line) - len(line.lstrip(" ")) for line in texts.lines(answer.text)]
    bad = sum(after <= before for before, after in pairwise(indents))
    return Finding(
        1.0 if not bad else 0.9 * (1 - bad / len(indents)), f"{bad} of {len(indents)} lines not indented further"
    )


_PAIRS = {")": "(", "]": "[", "}": "{"}


def nested(answer: Answer, p: Depth) -> Finding:
    """Brackets of any kind, opened and closed in order, so many levels deep."""
    deepest, heights, opened = 0, [0], []
    for sign in re.findall(r"[()\[\]{}]", answer.text):
        if sign in "([{":
            opened.append(sign)
            heights.append(0)
        elif opened and opened[-1] == _PAIRS[sign]:
            opened.pop()
            height = heights.pop() + 1
            heights[-1] = max(heights[-1], height)
            deepest = max(deepest, height)
        else:
            opened, heights = [], [0]
    return Finding(min(1.0, deepest / p.value), f"{deepest} levels, {p.value} wanted")


def sub_bullets(answer: Answer, _: Nothing) -> Finding:
    """Bullets marked *, each with at least one sub-bullet marked - below it."""
    marks = re.findall(r"^[ \t]*([*-])[ \t]+\S", answer.text, re.MULTILINE)
    groups = "".join(marks).split("*")[1:]
    bare = sum(not group for group in groups)
    if not groups:
        return Finding(0.0, "0 bullets marked *")
    return Finding(1 - bare / len(groups), f"{bare} of {len(groups)} bullets have no sub-bullet")


def sign_items(answer: Answer, p: Phrase) -> Finding:
    """A list of at least two items, each marked by the sign, without other bullets."""
    own = len(re.findall(rf"^[ \t]*{re.escape(p.value)}", answer.text, re.MULTILINE))
    count = own if own > 1 else answer.text.count(p.value)
    return Finding(min(1.0, count / 2), f"{count} items marked {p.value}, at least 2 wanted")


def punctuation(answer: Answer, _: Nothing) -> Finding:
    """. , ! ? ; : and the interrobang all occur."""
    text, interrobang = re.subn(r"\?!|!\?|‽", "", answer.text, count=1)
    missing = [sign for sign in ".,!?;:" if sign not in text] + ([] if interrobang else ["?!"])
    return Finding(1 - len(missing) / 7, f"missing: {' '.join(missing)}" if missing else "7 of 7 marks occur")


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    "quoted": (Nothing, quoted, None),
    "title": (Nothing, title, None),
    "postscript": (Phrase, postscript, None),
    "different_answers": (Parts, different_answers, None),
    "template": (Phrases, template, None),
    "no_whitespace": (Nothing, no_whitespace, lambda partial, _: any(map(str.isspace, partial))),
    "word_lines": (Nothing, word_lines, None),
    "stairs": (Nothing, stairs, None),
    "nested": (Depth, nested, None),
    "sub_bullets": (Nothing, sub_bullets, None),
    "sign_items": (Phrase, sign_items, None),
    "all_punctuation": (Nothing, punctuation, None),
}
