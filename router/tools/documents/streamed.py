"""HTML as Markdown in one pass without a tree: for pages too large, or too broken, for the extraction of a main part.

Loaded by `worker.py` from its path, so that it imports nothing of this project.
"""

import re
from collections.abc import Mapping

HIDDEN = frozenset(
    ("head", "script", "style", "noscript", "template", "nav", "footer", "svg", "button", "select", "textarea")
)
TITLES = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_BLOCKS = (
    "address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure form header hr "
    "li main ol p pre section summary table tr ul"
)
BLOCKS = frozenset(re.findall(r"\w+", _BLOCKS))
CELLS = frozenset(("td", "th"))
FED = 1 << 20
_SPACES = re.compile(r"\s+")


class Streamed:
    """A target for lxml's parser: `close` gives the paragraphs, titles, rows and code in their order."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._open: list[str] = []
        self._mark = ""
        self._hidden = 0
        self._code = 0

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if tag in HIDDEN:
            self._hidden += 1
        elif tag in BLOCKS or tag in TITLES:
            if tag != "br" or not self._code:
                self._flush()
            self._mark = TITLES.get(tag) or ("- " if tag == "li" else self._mark if self._code else "")
            self._code += tag == "pre"
        elif tag in CELLS and self._open:
            self._open.append(" | ")

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag in HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        elif (tag in BLOCKS and tag != "br") or tag in TITLES:
            self._flush()
            self._mark = ""
            self._code = max(self._code - (tag == "pre"), 0)

    def data(self, text: str) -> None:
        """Text inside an element."""
        if not self._hidden:
            self._open.append(text)

    def close(self) -> str:
        """All of it."""
        self._flush()
        return "\n\n".join(self._done)

    def _flush(self) -> None:
        """Ends a paragraph; code keeps its lines."""
        text, self._open = "".join(self._open), []
        if self._code:
            kept = text.strip("\n").replace("```", "'''")
            self._done += [f"```\n{kept}\n```"] if kept.strip() else []
            return
        plain = _SPACES.sub(" ", text).strip()
        if plain:
            is_like_a_title = not self._mark and plain.startswith("#")
            self._done.append(f"{self._mark}{chr(92) if is_like_a_title else ''}{plain}")
            self._mark = ""


def read(text: str) -> str:
    """The text of a page, however large, in time and memory that grow with its length alone."""
    from lxml import etree

    target = Streamed()
    parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True, recover=True)
    data = text.encode("utf-8", "replace")
    for at in range(0, len(data), FED):
        parser.feed(data[at : at + FED])
    return str(parser.close())
