"""Reference answers: does an answer come to what was expected?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from router.judging.agreement import final_answer, normalised
from router.task import Verdict

MATCHES = ("auto", "exact", "contains")
NAME = "reference"
_NUMBER = re.compile(r"[-+]?\$?\d[\d,]*(?:\.\d+)?%?")
_CHOICE = re.compile(r"(?<![\w'])\(?([A-J])\)?(?![\w'])")


@dataclass(frozen=True, slots=True)
class Reference:
    """Accepted answers, as `normalised`. `match`: "exact" the final answer is one of them; "contains" its words occur;
    "auto" exact, else the last number or choice of the text for such answers, else contains."""

    answers: tuple[str, ...]
    match: str = "auto"


def read_reference(value: Any, match: Any) -> Reference | None:
    """From a task line: a string, a number, or several. Raises ValueError."""
    if match not in MATCHES:
        raise ValueError(f"'match' must be one of {', '.join(MATCHES)}")
    if value is None:
        return None
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    if not values or any(isinstance(one, bool) or not isinstance(one, str | int | float) for one in values):
        raise ValueError("'reference' must be a string, a number, or a list of them")
    answers = tuple(dict.fromkeys(normalised(str(one)) for one in values))
    if not all(answers):
        raise ValueError("'reference' must not be empty")
    return Reference(answers, match)


def judge_by(reference: Reference, text: str) -> Verdict:
    """A verdict on an answer; its reason never tells the reference."""
    said = final_answer(text)
    holds = any(_agrees(answer, said, text, reference.match) for answer in reference.answers)
    shown = "no final answer" if said is None else f"the answer comes to '{said[:60]}'"
    return Verdict(NAME, float(holds), f"{shown}, {'as' if holds else 'not what was'} expected", "check")


def _agrees(answer: str, said: str | None, text: str, match: str) -> bool:
    if match != "contains" and said == answer:
        return True
    if match == "exact":
        return False
    if match == "auto" and _is_number(answer):
        numbers = _NUMBER.findall(text)
        return bool(numbers) and normalised(numbers[-1]) == answer
    if match == "auto" and _is_choice(answer):
        choices = _CHOICE.findall(text)
        return bool(choices) and choices[-1] == answer
    return f" {answer} " in f" {_words(text)} "


def _is_number(answer: str) -> bool:
    return re.fullmatch(r"-?\d[\d.e+]*%?", answer) is not None


def _is_choice(answer: str) -> bool:
    return re.fullmatch(r"[A-J]", answer) is not None


def _words(text: str) -> str:
    plain = re.sub(r"[^\w\s]", " ", text.casefold()).split()
    return " ".join(word for word in plain if word not in ("the", "a", "an"))
