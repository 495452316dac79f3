"""How many calls to have in flight at each upstream: up where it answers, down where it says that it is busy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

BACK_OFF_SECONDS = 1.0
LONGEST_REST_SECONDS = 60.0
LONGEST_TOLD_SECONDS = 3600.0
"""An upstream that asks for a longer rest is asked again after this all the same."""


@dataclass
class Lane:
    """One upstream's window (additive increase, multiplicative decrease: Chiu & Jain 1989), and its rest when busy."""

    most: int
    window: float
    flying: int = 0
    rests_until: float = 0.0
    rest_seconds: float = BACK_OFF_SECONDS

    def free(self, now: float) -> int:
        """How many more calls may begin."""
        return 0 if now < self.rests_until else max(0, int(self.window) - self.flying)

    def went_well(self) -> None:
        """One answer more: a window's worth of them widens it by one."""
        self.window = min(float(self.most), self.window + 1.0 / max(self.window, 1.0))
        self.rest_seconds = BACK_OFF_SECONDS

    def was_busy(self, now: float, told_seconds: float | None = None) -> None:
        """Half the window, and a rest: as long as the upstream asks for, else one that doubles. Of several refusals of
        one moment the window counts one, and the rest is the longest that any of them asks for."""
        is_new = now >= self.rests_until
        rest = self.rest_seconds if told_seconds is None else min(told_seconds, LONGEST_TOLD_SECONDS)
        if is_new or told_seconds is not None:
            self.rests_until = max(self.rests_until, now + rest)
        if is_new:
            self.window = max(1.0, self.window / 2.0)
            self.rest_seconds = min(LONGEST_REST_SECONDS, 2.0 * self.rest_seconds)


@dataclass
class Pace:
    """All lanes."""

    lanes: dict[str, Lane] = field(default_factory=dict)

    @classmethod
    def of(cls, slots: Mapping[str, int]) -> "Pace":
        """Starts each upstream at its own limit."""
        return cls({name: Lane(most, float(most)) for name, most in slots.items()})

    @property
    def flying(self) -> int:
        """Calls in flight in all."""
        return sum(lane.flying for lane in self.lanes.values())

    def free(self, now: float) -> dict[str, int]:
        """How many may begin at each upstream that has room."""
        return {name: count for name, lane in self.lanes.items() if (count := lane.free(now))}
