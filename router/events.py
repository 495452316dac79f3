"""What a run tells while it goes on: progress for whoever watches."""

from collections.abc import Callable

import msgspec


class WaveStarted(msgspec.Struct, frozen=True):
    """A wave begins; `actions` are their names."""

    wave: int
    actions: tuple[str, ...]


class CandidateFinished(msgspec.Struct, frozen=True):
    """An answer is there, not yet checked."""

    candidate: str
    action: str
    seconds: float


class CandidateChecked(msgspec.Struct, frozen=True):
    """An answer has its verdicts; `failed` names the requirements not satisfied."""

    candidate: str
    score: float | None
    failed: tuple[str, ...]


RunEvent = WaveStarted | CandidateFinished | CandidateChecked
Watch = Callable[[RunEvent], None]
