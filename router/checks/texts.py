"""How a text is taken apart: words, sentences, paragraphs, bullets. One definition each, used by every check."""

import re

_WORD = re.compile(r"\w+(?:[-'’]\w+)*")
_SENTENCE_END = re.compile(
    r"(?<=[.!?…。！？])[\"'”’)\]*_]*\s+(?=[\"'“‘(\[*_#>-]*[A-Z0-9À-ÞА-Я\u0590-\u05FF\u0600-\u06FF\u0900-\uFFFF*_#\"“(\[])"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|vs|etc|e\.g|i\.e|a\.m|p\.m|U\.S|U\.K|No|Inc|Ltd|Co|Fig|approx)|\b[A-Z])\.$"
)
_BULLET = re.compile(r"^\s*(?:[*•+-]|\d{1,3}[.)])\s+\S", re.MULTILINE)
_STAR_BULLET = re.compile(r"^\s*(?:\*[^*]|-)", re.MULTILINE)


def words(text: str) -> list[str]:
    """Words; hyphens and apostrophes inside a word belong to it."""
    return _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """Sentences; a line break after a blank line, a bullet or a heading ends one too."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[*•+#-]|\d{1,3}[.)])\s)", text):
        pending = ""
        for part in _SENTENCE_END.split(block.strip()):
            pending = f"{pending} {part}".strip()
            if pending and not _ABBREVIATION.search(pending):
                found.append(pending)
                pending = ""
        if pending:
            found.append(pending)
    return [sentence for sentence in found if _WORD.search(sentence)]


def paragraphs(text: str) -> list[str]:
    """Paragraphs: blocks divided by blank lines, or by a line of three stars where there is one."""
    divider = r"\s*\n?\s*\*\*\*\s*\n?\s*" if re.search(r"^\s*\*\*\*\s*$", text, re.MULTILINE) else r"\n\s*\n"
    return [part.strip() for part in re.split(divider, text) if part.strip()]


def lines(text: str) -> list[str]:
    """Lines that are not blank."""
    return [line for line in text.splitlines() if line.strip()]


def bullets(text: str) -> list[str]:
    """Lines that are list items: -, *, +, •, or a number."""
    return [match.group().strip() for match in _BULLET.finditer(text)]


def occurrences(text: str, phrase: str) -> int:
    """How often a word or phrase occurs as whole words, whatever its case."""
    inner = re.escape(phrase.strip()).replace(r"\ ", r"\s+")
    left = r"(?<!\w)" if phrase[:1].isalnum() else ""
    right = r"(?!\w)" if phrase[-1:].isalnum() else ""
    return len(re.findall(f"{left}{inner}{right}", text, re.IGNORECASE))
