"""What a check is: deterministic code that scores an answer on one requirement."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """What a check may look at: the answer's text, and the text of the last user message for checks that compare."""

    text: str
    prompt: str = ""


class Finding(msgspec.Struct, frozen=True):
    """A check's word. `score` is graded for planning; only 1.0 is satisfied; None = could not be validated.

    The reason carries numbers ("62 words, limit 50").
    """

    score: float | None
    reason: str

    @property
    def passed(self) -> bool:
        """Only 1.0 is satisfied."""
        return self.score is not None and self.score >= 1.0


class Check(Protocol):
    """A deterministic check without effects: fast enough for the event loop on ordinary answers."""

    @property
    def kind(self) -> str:
        """Its `type` in the explicit form, also the requirement kind of the action model."""
        ...

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its explicit form: `build_check(check.spec)` gives an equal check."""
        ...

    def evaluate(self, answer: Answer) -> Finding:
        """Scores a whole answer. Never raises."""
        ...

    def already_failed(self, partial: str) -> bool:
        """Is a growing answer past saving, whatever follows? False unless the check is monotone."""
        ...


Validator = Callable[[Answer], Awaitable[Finding]]
"""A check with effects or foreign code: operator's Python, webhook, code tests. Never raises; None score on trouble."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One requirement, compiled: deterministic checks, validators, and what is left for the judge ("" = nothing).

    The requirement's score is the minimum over all three.
    """

    checks: tuple[Check, ...] = ()
    validators: tuple[Validator, ...] = ()
    judged: str = ""
    kind: str = "judge"
