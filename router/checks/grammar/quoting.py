"""Takes literal text out of a requirement, so that what stands in quotes is never read as an instruction."""

import re
from dataclasses import dataclass, field

_PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "\u00a0": " ",
        "–": "-",
        "—": " - ",
        "…": "...",
    }
)
_SPAN = re.compile(
    r"(?P<list>[\[(]\s*(?:'[^'\n]*'|\"[^\"\n]*\")(?:\s*,\s*(?:'[^'\n]*'|\"[^\"\n]*\"))*,?\s*[\])])"
    r'|"(?P<double>[^"]{1,600})"'
    r"|(?<![\w'])'(?P<single>(?:[^'\n]|'(?=\w)){1,600}?)'(?!\w)"
    r"|`+(?P<tick>[^`]{1,600})`+"
    r"|<<(?P<angle>[^<>\n]{1,200})>>"
    r"|(?<![\w/*])(?P<fence>\*{3,}|-{3,}|={3,}|#{2,}|~{3,}|_{3,}|`{3,})(?![\w*])"
    r"|(?P<square>\[[^\]\n]{1,400}\])"
    r"|(?P<html></?[a-zA-Z]\w*>)"
)
_ITEM = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,2})(?=[^\s*])([^*\n]{1,80}?)(?<=[^\s*])\1(?![\w*])")
_THE = r"(?:(?:the|this|these|following|specific|exact|single|both|any of the|all of the) )+"
_VERB = r"(?:with|using|include|including|use|uses|contain|contains|mention|mentions|avoid|say|saying|write|add|add the|incorporate) "
_MANY = (
    rf"(?:(?:{_THE}|{_VERB})(?:words|terms|names|letters|characters|phrases|symbols)|keywords|key words"
    r"|of (?:the following|these)(?=:)|(?:with|has|have|having|contain|contains|containing|exactly|only) (?:the )?(?:keys|fields)|the keys)"
)
_SINGLE = rf"(?:(?:{_THE}|{_VERB})(?:word|term|name|letter|character|symbol|prefix|suffix|marker)|key ?word)"
_STOP = (
    r"count|counts|limit|limits|length|lengths|order|should|must|shall|has|have|need|needs|is|are|was|in|of|that|which|with|and|or|for|"
    r"to|from|at|on|as|by|appear|appears|appearing|occur|occurs|used|being|per|each|every|only|itself|like|such|choice|you|using|"
    r"less|more|than|exactly|than|no|not|do|long|maximum|minimum|max|min|total|can|may|will|when|if|where|starting|ending|beginning|"
    r"range|ranges|level|class|classes|family|frequency|s|once|twice|thrice|times"
)
_ONE = rf"(?!(?:{_STOP})\b)[^\s,.;:\"'()\[\]§]+"
_FOLLOW = (
    r"(?=\s*(?:$|[.;:!?](?:\s|$)|,|\b(?:should|must|shall|does|doesn't|do|don't|has to|needs to|need to|have to|appears?|occurs?|at least|at most|exactly|less than|"
    r"more than|fewer than|no more|no fewer|not more|in|anywhere|is|are|cannot|can't|may not|never|once|twice|or|and|\d+ times|"
    r"as the|to the|starting|between|only|(?:two|three|four|five|six|seven|eight|nine|ten) times)\b))"
)
_BARE = re.compile(
    rf"(?P<lead>\b(?i:{_MANY}):?\s+)(?P<items>{_ONE}(?:(?:\s*,\s*(?:and |or )?|\s+(?:and|or|nor)\s+){_ONE})*){_FOLLOW}"
    rf"|(?P<lead1>\b(?i:{_SINGLE}):?\s+)(?P<item>(?<=[Ll]etter )s\b|{_ONE}){_FOLLOW}"
)
_NAMED = re.compile(
    r"(?P<lead>\b(?i:(?:start|begin|end)(?:s|ing)? with (?:the )?word|key ?word)\s+)(?!(?:once|twice|thrice|in)\b)(?P<word>[A-Za-z]+)"
    r"(?=\s*(?:$|[.,](?:\s|$)|\b(?:once|twice|in the|in your|(?:\d+|[a-z]+) times)\b))"
    r"|(?P<lead1>\b(?i:the word)\s+)(?P<word1>[A-Za-z]+)(?=\s+(?:(?:should|must|has to|needs to)\s+)?(?:appear|occur)s?\b)"
)
"""Where any word is meant as a word, also one that elsewhere says something of words ("the word count")."""
_POSTSCRIPT = re.compile(r"(?<![\w§])(P\.\s?P\.\s?S\b\.?|P\.\s?S\b\.?|PPS\b|PS\b):?", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*,\s*(?:and |or )?|\s+(?:and|or|nor)\s+")

_UNCLEAR = re.compile(r"[^\s,]\s+(?:and|or|nor)\s[^,]*,")
""" "Salt and pepper, sugar": two items or three."""


@dataclass
class Quotes:
    """The literals of one text; §n§ stands for the n-th in what is left."""

    literals: list[str] = field(default_factory=list)

    def keep(self, text: str) -> str:
        """A mark for a literal."""
        self.literals.append(text)
        return f"§{len(self.literals) - 1}§"

    def restore(self, text: str) -> str:
        """The text with its literals again, in quotes."""
        return re.sub(r"§(\d+)§", lambda match: f"'{self.literals[int(match.group(1))]}'", text)


def plain(text: str) -> str:
    """Plain quotes and dashes."""
    return text.translate(_PLAIN)


def _kept(match: re.Match[str], quotes: Quotes) -> str:
    return (match["lead"] or match["lead1"]) + quotes.keep(match["word"] or match["word1"])


def take_quotes(text: str) -> tuple[str, Quotes]:
    """A text without its literals, and the literals."""
    quotes = Quotes()
    text = _EMPHASIS.sub(r"\2", text) if "*" in text else text

    def keep(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "list":
            return " , ".join(quotes.keep(a or b) for a, b in _ITEM.findall(match.group()))
        if kind == "square":
            inner = match.group()[1:-1]
            if "," in inner and not inner.startswith("#"):
                return " , ".join(quotes.keep(item.strip()) for item in inner.split(",") if item.strip())
            return quotes.keep(match.group())
        return quotes.keep(match.group(kind) if kind else match.group())

    text = _SPAN.sub(keep, text)
    text = _POSTSCRIPT.sub(lambda match: quotes.keep(match.group(1)), text)
    text = _NAMED.sub(lambda match: _kept(match, quotes), text)

    def name(match: re.Match[str]) -> str:
        if match.group("item"):
            item = match.group("item")
            return match.group("lead1") + (item if item.startswith("§") else quotes.keep(item))
        if _UNCLEAR.search(match.group("items")):
            return match.group()
        items = [item for item in _BETWEEN.split(match.group("items")) if item]
        marks = [item if item.startswith("§") else quotes.keep(item) for item in items]
        return match.group("lead") + " , ".join(marks)

    return _BARE.sub(name, text), quotes
