"""What the planner looks at, and what it answers: frozen values, so that a decision can be repeated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Evidence, Repair
from router.task import Candidate, FinishReason, Requirement


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """What money and time are worth: a satisfied task is worth 1, a dollar costs `usd`, a second costs `seconds`."""

    usd: float = 0.0
    seconds: float = 0.0


class Verification(msgspec.Struct, frozen=True):
    """What checking one candidate costs, and how often it is right.

    `true_pass` = P(passes | truly satisfied), `false_pass` = P(passes | not). An exact check is (1, 0) and free.
    `_high` is the 0.9 quantile; `calls` how many upstream calls it makes.
    """

    true_pass: float = 1.0
    false_pass: float = 0.0
    usd: float = 0.0
    usd_high: float = 0.0
    seconds: float = 0.0
    seconds_high: float = 0.0
    calls: int = 0


class Confirmation(msgspec.Struct, frozen=True):
    """An independent judge on offer, to be asked about a candidate that passed: `action.technique` is "confirm"."""

    action: Action
    verification: Verification


@dataclass(frozen=True, slots=True)
class Coincidence:
    """How often a wrong answer repeats an earlier wrong one: `centre` in a task in the middle, its log odds spread
    between tasks in units of the logistic distribution. `maestro bench replay` fits both on train; by default between
    what questions with choices have (.4 and .5) and what questions for a number have (.15 and 1)."""

    centre: float = 0.3
    spread: float = 0.7


def never_fixes(index: int, repair: Repair) -> float:
    """The chance of a fix where nothing can be fixed."""
    return 0.0


class Situation(msgspec.Struct, frozen=True):
    """A run between two waves. None as a limit means unlimited; seconds and money are what is left, not the total.

    `kinds` names each requirement's check kind, in the order of `requirements`. `evidence` holds, per candidate id,
    what its verdicts say through the error rates of their sources; without an entry its verdicts are taken as they are.
    `answers` are the candidates' final answers in order (equal strings agree, None cannot be compared): the only
    evidence of a task without requirements, whose `belief` must not have been updated by them. `confirmed` are the
    candidates an independent judge has seen already. `compares` says that final answers can be compared at all, and
    `coincidence` how often wrong ones are equal.
    """

    belief: Belief
    portfolio: Portfolio
    tradeoff: Tradeoff
    candidates: tuple[Candidate, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    kinds: tuple[str, ...] = ()
    nanodollars_left: int | None = None
    seconds_left: float | None = None
    calls_left: int | None = None
    quality_threshold: float = 0.95
    fix_chance: Callable[[int, Repair], float] = never_fixes
    wave: int = 0
    max_parallel: int = 8
    verification: Verification = Verification()
    confirmation: Confirmation | None = None
    evidence: Mapping[str, Evidence] = {}
    confirmed: frozenset[str] = frozenset()
    answers: tuple[str | None, ...] = ()
    compares: bool = False
    coincidence: Coincidence = Coincidence()

    @property
    def is_poll(self) -> bool:
        """Is agreement the only evidence: nothing is required, so nothing is checked?"""
        return not self.requirements


class Stop(msgspec.Struct, frozen=True):
    """No further wave, and why; `alternatives` are the values of the actions that were not worth it or did not fit."""

    reason: FinishReason
    why: str
    alternatives: tuple[Mapping[str, Any], ...] = ()
