"""Marks in a text: headings, highlights, italics, quotations, tables, emojis."""

import re
from functools import cache

from markdown_it import MarkdownIt

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S.*$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*\*[^\n*]*[^\s*][^\n*]*\*\*|(?<!\*)\*[^\n*]*[^\s*][^\n*]*\*(?!\*)")
_ITALIC = re.compile(r"(?<![*\w])\*(?=[^\s*])[^\n*]+(?<=[^\s*])\*(?![*\w])|(?<![_\w])_(?=[^\s_])[^\n_]+_(?![_\w])")
_QUOTATION = re.compile(r"\"[^\"\n]+\"|“[^“”\n]+”|«[^«»\n]+»")
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23fa]"
)


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
    tail = re.sub(r"[\s.!?\ufe0f\u200d*_\"')]+$", "", text)[-4:]
    return bool(tail) and _EMOJI.search(tail[-1:]) is not None


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
