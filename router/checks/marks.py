"""Marks in a text: headings, highlights, italics, quotations, tables, emojis."""

import re
from functools import cache

from markdown_it import MarkdownIt

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S.*$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*\*(?=[^\n*]*[^\s*])[^\n*]+\*\*|(?<!\*)\*(?=[^\n*]*[^\s*])[^\n*]+\*(?!\*)")
_ITALIC = re.compile(r"(?<![*\w])\*(?=[^\s*])[^\n*]+(?<=[^\s*])\*(?![*\w])|(?<![_\w])_(?=[^\s_])[^\n_]+_(?![_\w])")
_QUOTATION = re.compile(r"\"[^\"\n]+\"|“[^“”\n]+”|«[^«»\n]+»")
_SIGNS = (
    "\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623"
    "\u2626\u262a\u262e\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f"
    "\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26a7\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1"
    "\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728"
    "\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935\u2b05-\u2b07"
    "\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f201-\U0001f251\U0001f300-\U0001f3fa\U0001f400-\U0001faff"
)
"""Unicode's emoji below and beside the pictographs; \u2713 and \u2605 are none."""
_ONE = f"[{_SIGNS}]\ufe0f?[\U0001f3fb-\U0001f3ff]?"
EMOJI = f"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_ONE}(?:\u200d{_ONE})*)"
"""One emoji as a reader counts it: with its skin tone, joined to others, a flag, a keycap."""
_EMOJI = re.compile(EMOJI)
_EMOJI_END = re.compile(rf"{EMOJI}[\s.!?*_\"'”’)\]]*$")


def headings(text: str) -> list[str]:
    """Markdown headings (#)."""
    return [match.strip().lstrip("#").strip() for match in _HEADING.findall(text)]


def highlights(text: str) -> list[str]:
    """*Highlighted* and **bold** passages."""
    return [match.strip("*").strip() for match in _HIGHLIGHT.findall(text)]


def italics(text: str) -> list[str]:
    """*Italic* and _italic_ passages."""
    return [match.strip("*_").strip() for match in _ITALIC.findall(text)]


def quotations(text: str) -> list[str]:
    """Passages in double quotation marks."""
    return _QUOTATION.findall(text)


def emojis(text: str) -> list[str]:
    """Emojis."""
    return _EMOJI.findall(text)


def ends_with_emoji(text: str) -> bool:
    """Is the last visible sign an emoji?"""
    return _EMOJI_END.search(text[-60:]) is not None


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def tables(text: str) -> list[int]:
    """Markdown tables, each by the number of its body rows."""
    if "|" not in text:
        return []
    found: list[int] = []
    is_body = False
    for token in _parser().parse(text):
        if token.type == "table_open":
            found.append(0)
        elif token.type in ("tbody_open", "tbody_close"):
            is_body = token.type == "tbody_open"
        elif token.type == "tr_open" and is_body:
            found[-1] += 1
    return found
