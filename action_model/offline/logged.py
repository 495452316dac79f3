"""What real runs left to learn from, as values: no texts are needed, only what each text demands."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from action_model.features import Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """One checked answer. `column` is its model's family, and its variant where it is not the plain sample.

    `propensity` is the chance that its action was in the first wave; `predicted` what was expected of it then.
    """

    column: str
    wave: int
    success: float
    propensity: float = 1.0
    predicted: float | None = None
    usd: float = 0.0
    seconds: float = 0.0
    output_tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """An action that the first wave could have been, with what it was expected to cost and take."""

    column: str
    usd: float
    seconds: float


@dataclass(frozen=True)
class LoggedRun:
    """One run: `demand` (k,) of its text, the kinds of its requirements, what a dollar and a second were worth.

    `log_tokens` is how long the known models' answers to it are, in logarithm (NaN: not known).
    """

    id: str
    demand: Floats
    kinds: tuple[str, ...]
    usd_value: float
    seconds_value: float
    choices: tuple[Choice, ...]
    outcomes: tuple[Outcome, ...]
    log_tokens: float = math.nan

    def first(self, column: str) -> Outcome | None:
        """What came of a column in the first wave."""
        return next((one for one in self.outcomes if one.column == column and one.wave == 0), None)

    def cost(self, choice: Choice) -> float:
        """What a choice was expected to cost, in satisfied tasks."""
        return self.usd_value * choice.usd + self.seconds_value * choice.seconds


def demands(runs: Sequence[LoggedRun], dimensions: int) -> Floats:
    """(N, k)."""
    return np.array([run.demand for run in runs]).reshape(len(runs), dimensions)


def columns_of(runs: Sequence[LoggedRun]) -> tuple[str, ...]:
    """Every column that has an outcome, in order of their names."""
    return tuple(sorted({one.column for run in runs for one in run.outcomes}))


def in_two(runs: Sequence[LoggedRun], share: float) -> tuple[list[LoggedRun], list[LoggedRun]]:
    """(to learn from, held out): texts alike lie on one side; the same runs, the same sides."""
    sides: tuple[list[LoggedRun], list[LoggedRun]] = ([], [])
    for run in runs:
        sides[_place(run.demand) < share].append(run)
    return sides


def _place(demand: Floats) -> float:
    """In [0, 1): the same for texts of the same demand, scattered for others."""
    digest = hashlib.sha256(np.round(demand, 2).astype(np.float32).tobytes()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
