"""What a run tells while it goes on: progress for whoever watches."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WaveStarted:
    """A wave begins; `actions` are their names."""

    wave: int
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CandidateFinished:
    """An answer is there, not yet checked."""

    candidate: str
    action: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CandidateChecked:
    """An answer has its verdicts; `failed` names the requirements not satisfied."""

    candidate: str
    score: float | None
    failed: tuple[str, ...]


RunEvent = WaveStarted | CandidateFinished | CandidateChecked
Watch = Callable[[RunEvent], None]
