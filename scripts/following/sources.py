"""Source texts: documentation that ships with Python (PSF licence), read at run time so that no copy is kept.

Language topics (`pydoc_data.topics`), docstrings of standard modules, and the Zen of Python. An excerpt is the text's
first whole paragraphs of prose, up to some 1,300 characters; grammar rules, code and headings are left out.
"""

import codecs
import hashlib
import importlib.util
import inspect
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scripts.following.reading import Reading

MOST_CHARACTERS = 1300
CODE = ("::=", "\n   ", ">>>", "====", "****")
"""What marks a block that is no prose: grammar, indented code, a session, a table, a heading."""
TOPICS = (
    "assert assignment async atom-identifiers atom-literals attribute-access attribute-references augassign binary "
    "bitwise bltin-code-objects booleans break calls class comparisons compound context-managers conversions debugger "
    "del dict dynamic-features exceptions execmodel exprlists floating for formatstrings function global identifiers "
    "import in integers lists naming nonlocal numeric-types objects operator-summary power raise return shifting "
    "slicings specialnames string-methods strings subscriptions truth try types typesmapping typesmethods "
    "typesmodules typesseq typesseq-mutable unary while with yield"
)
MODULES = (
    "ast cmd collections copy csv doctest getopt hashlib heapq io mimetypes os pdb plistlib re rlcompleter sched "
    "shelve site socket socketserver statistics string struct timeit tokenize typing urllib.request uuid "
    "xmlrpc.client zipimport"
)
COMMON = (
    "another because before between called cannot either evaluated example examples first following however itself "
    "method methods object objects other otherwise provided python raised result returned returns should single some "
    "specified standard their there these those through using usually value values where whether which while without "
    "would after again being could does form given have into less like make makes many more must need only same such "
    "than that them then this they used uses user very well were when with your also each from will about below above "
    "section possible different operation current number either always already still include includes including "
    "support supports various within until under since might several for not from else true false none self"
)
"""Words that say nothing about what a text is about."""


@dataclass(frozen=True)
class Source:
    """One excerpt. `terms` occur in it and tell what it is about, the most telling first."""

    name: str
    title: str
    text: str
    terms: tuple[str, ...]

    @property
    def key(self) -> str:
        """Changes with the text: another version of Python may word it otherwise."""
        return hashlib.sha256(f"{self.name}\n{self.text}".encode()).hexdigest()[:12]


def read_sources() -> dict[str, Source]:
    """All excerpts, by name."""
    from pydoc_data.topics import topics

    texts = {f"topic:{name}": topics[name] for name in TOPICS.split()}
    texts |= {f"module:{name}": inspect.getdoc(importlib.import_module(name)) or "" for name in MODULES.split()}
    found = {name: _source(name, excerpt(text)) for name, text in texts.items()}
    return found | {"zen": _source("zen", zen())}


def zen() -> str:
    """The Zen of Python, without printing it: the text of the module `this` before it is decoded."""
    spec = importlib.util.find_spec("this")
    assert spec is not None
    assert spec.origin is not None
    quoted = re.search(r'"""(.*?)"""', Path(spec.origin).read_text("utf-8"), re.DOTALL)
    assert quoted is not None
    return codecs.decode(quoted.group(1), "rot13").strip()


def excerpt(text: str) -> str:
    """The first whole paragraphs of prose."""
    kept: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        is_code = re.match(r"\s{3,}|[*=~\-\"#.\s]+$", block) or any(mark in block for mark in CODE)
        told = " ".join(block.split())
        if is_code or len(told) <= 60:
            continue
        if kept and sum(map(len, kept)) + len(told) > MOST_CHARACTERS:
            break
        kept.append(told[: MOST_CHARACTERS + 200])
    return "\n\n".join(kept)


def terms_of(text: str) -> tuple[str, ...]:
    """Quoted names by how often they come, then long words that come more than once."""
    common = frozenset(COMMON.split())
    quoted = Counter(re.findall(r'"([A-Za-z_][A-Za-z_0-9]{2,})(?:\(\))?"', text))
    words = Counter(word.lower() for word in re.findall(r"[A-Za-z]{5,}", text))
    telling = [word for word, count in words.most_common() if count > 1 and word not in common]
    ranked = [*(name for name, _ in quoted.most_common(3)), *telling, *quoted]
    seen: dict[str, str] = {}
    for term in ranked:
        if term.lower() not in common and Reading(text).says(term):
            seen.setdefault(term.lower(), term)
    return tuple(seen.values())[:6]


def _source(name: str, text: str) -> Source:
    kind, _, short = name.partition(":")
    title = {"topic": f"Python's documentation on “{short}”", "module": f"the documentation of Python's module {short}"}
    return Source(name, title.get(kind, "the Zen of Python"), text, terms_of(text))
