"""Agreement: the only evidence where nothing is required. Final answers are read out, made comparable, and counted."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from action_model.features import embed
from router.task import Candidate

SHORT_CHARACTERS = 80
"""A whole answer no longer than this is its own final answer."""
EMBEDDED_CHARACTERS = 8000
"""Of a free text, what is compared."""

_BOXED = re.compile(r"\\boxed\s*\{")
_MARKED = re.compile(r"^\s*(?:#{4}|\**(?:final\s+)?answer\s*(?:is|:|=)\**:?)\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_SAID = re.compile(r"\banswer\s+(?:is|would be)\s*:?\s*([^\n]{1,80}?)(?:\.(?:\s|$)|\n|$)", re.IGNORECASE)
_CHOICE = re.compile(r"(?:option\s*)?\(?([A-J])\)?(?:[).:,\s].*)?", re.IGNORECASE | re.DOTALL)
_BARE_CHOICE = re.compile(r"(?:option\s*)?\(?([A-J])[).:]?\)?")
_NUMBER = re.compile(r"(?<![A-Za-z_\d.])[-+]?[$€£]?\s?(\d[\d,]*(?:\.\d+)?|\.\d+)(?![A-Za-z_\d])\s*(%?)")
_DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_LITERAL = re.compile(r"[\[{].*[\]}]", re.DOTALL)
_SPELT = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")

_FORMULA = re.compile(r"[=+*/^<>\\\[\](){}|]|-\s?[\d.]")
_LAYOUT = re.compile(r"\\(?:left|right|displaystyle|[!,;: ])|\$")
_CODE = re.compile(r"```[\w+-]*\n(.*?)```", re.DOTALL)

COMPARABLE = re.compile(
    r"\\boxed|\bfinal answer\b|\bhow (?:many|much|far|old|long)\b|\b(?:calculate|compute|evaluate|solve|simplify)\b"
    r"|\bwhich of the following\b|\bmultiple[- ]choice\b|\btrue or false\b|\byes or no\b"
    r"|\bwhat is the (?:value|sum|total)\b"
    r"|^\s*\(?[A-D][).:]\s+\S.*\n+\s*\(?[B-E][).:]\s+\S",
    re.IGNORECASE | re.MULTILINE,
)


def asks_for_one_answer(prompt: str) -> bool:
    """Does the question have one short answer (a number, a choice, a word), so that answers can be compared?"""
    return COMPARABLE.search(prompt) is not None


def final_answer(text: str) -> str | None:
    """The answer that a text comes to, in a form in which equal answers are equal strings; None if there is none."""
    said = _boxed(text) or _last(_MARKED, text) or _last(_SAID, text)
    code = _CODE.findall(text) if said is None else []
    if len(code) == 1:
        return " ".join(code[0].split()) or None
    if said is None:
        said = text if len(text.strip()) <= SHORT_CHARACTERS else None
    return (normalised(said) or None) if said is not None else None


def normalised(answer: str) -> str:
    """A choice as its letter, a number as a plain number, else the words without case, marks and articles."""
    plain = answer.strip().strip("*_`$ ").strip()
    choice = _BARE_CHOICE.fullmatch(plain) or (_CHOICE.fullmatch(plain) if re.match(r"\(?[A-J][).:]", plain) else None)
    if choice:
        return choice[1].upper()
    if _LITERAL.fullmatch(plain):
        return _formula(plain)
    numbers = _NUMBER.findall(plain)
    if len(numbers) == len(_DIGITS.findall(plain)) == 1 and len(plain) <= SHORT_CHARACTERS // 2:
        value = float(numbers[0][0].replace(",", ""))
        sign = "-" if re.search(r"-\s?[$€£]?\s?[\d.]", plain) and value else ""
        return f"{sign}{value:.10g}{numbers[0][1]}"
    if _FORMULA.search(plain):
        return _formula(plain)
    words = [_word(word) for word in re.sub(r"[^\w\s]", " ", plain).split()]
    return " ".join(word for word in words if word not in ("a", "an", "the")) or plain.casefold()


def _word(word: str) -> str:
    """Without case, unless capitals stand within it: "snTs" is no prose."""
    return word if _SPELT.search(word) else word.casefold()


def _formula(text: str) -> str:
    """A formula or a literal with its operators, but without layout; a fraction of two numbers as its value."""
    plain = _LAYOUT.sub("", text)
    if _LITERAL.fullmatch(plain) and _QUOTED.search(plain):
        return _quoting(plain)
    plain = plain.casefold()
    plain = re.sub(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", plain)
    plain = plain.replace("\\cdot", "*").replace("\\times", "*").replace('"', "'")
    plain = re.sub(r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}", r"\1", plain)
    plain = re.sub(r"\s+", "", plain).rstrip(".,;")
    fraction = re.fullmatch(r"(-?\d{1,15})/(\d{1,15})", plain)
    return f"{int(fraction[1]) / int(fraction[2]):.10g}" if fraction and int(fraction[2]) else plain


def _quoting(text: str) -> str:
    """A literal: what stands in quotes to the letter, the rest without layout."""
    found, end = "", 0
    for match in _QUOTED.finditer(text):
        found += re.sub(r"\s+", "", text[end : match.start()]).casefold() + "'" + match.group()[1:-1] + "'"
        end = match.end()
    return (found + re.sub(r"\s+", "", text[end:]).casefold()).rstrip(".,;")


def agreement(candidates: Sequence[Candidate]) -> Mapping[str, float]:
    """Of each candidate, the share of all that come to the same final answer; 0 for one without a final answer.

    Where none has one (free texts), how much each resembles the others.
    """
    answers = {candidate.id: answer_of(candidate) for candidate in candidates}
    if not any(answers.values()):
        return resemblance(candidates)
    counts = Counter(answer for answer in answers.values() if answer is not None)
    return {name: 0.0 if answer is None else counts[answer] / len(candidates) for name, answer in answers.items()}


def resemblance(candidates: Sequence[Candidate]) -> Mapping[str, float]:
    """The mean cosine of each text's static embedding with the others': what most of them say stands in the middle.

    The choice of minimum Bayes risk (Kumar and Byrne 2004, aclanthology.org/N04-1022) with that likeness as the gain.
    """
    texts = [candidate.text[:EMBEDDED_CHARACTERS] for candidate in candidates]
    if len(texts) < 2 or any(candidate.has_tool_calls for candidate in candidates):
        return {}
    embedded = embed(texts)  # (N, 256)
    likeness = (embedded @ embedded.T).sum(axis=1) - 1.0
    mean = likeness.clip(0.0) / (len(texts) - 1)
    return {candidate.id: float(value) for candidate, value in zip(candidates, mean, strict=True)}


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.findall(text)
    return found[-1] if found else None


def _boxed(text: str) -> str | None:
    r"""The inside of the last \boxed{...}, nested braces included."""
    starts = [match.end() for match in _BOXED.finditer(text)]
    if not starts:
        return None
    depth, start = 1, starts[-1]
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    return None


def answer_of(candidate: Candidate) -> str | None:
    """What can be compared of a candidate: its final answer, not the tools it calls."""
    return None if candidate.has_tool_calls else final_answer(candidate.text)
