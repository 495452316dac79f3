"""When to leave a failing upstream in peace: a pure state, moved by what happened and when."""

from dataclasses import dataclass, replace

FAILURES_TO_OPEN = 20
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """Closed (`opened_until` None): everything passes. Open: nothing passes until then; after that, one probe.

    The probe's success closes it, its failure opens it for twice as long.
    """

    failures: int = 0
    opened_until: float | None = None
    pause_seconds: float = FIRST_PAUSE_SECONDS
    is_probing: bool = False

    def lets_through(self, now: float) -> bool:
        """May an attempt start now?"""
        return self.opened_until is None or (now >= self.opened_until and not self.is_probing)

    def started(self) -> "Circuit":
        """An attempt that was let through starts: the probe, if the circuit was open."""
        return self if self.opened_until is None else replace(self, is_probing=True)

    def succeeded(self) -> "Circuit":
        """An attempt came to a good end."""
        return Circuit() if self.failures else self

    def failed(self, now: float) -> "Circuit":
        """An attempt failed in a way that speaks of the upstream's health."""
        if self.is_probing:
            pause = min(self.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            return Circuit(self.failures + 1, now + pause, pause)
        failures = self.failures + 1
        if self.opened_until is None and failures >= FAILURES_TO_OPEN:
            return Circuit(failures, now + self.pause_seconds, self.pause_seconds)
        return replace(self, failures=failures)

    def abandoned(self) -> "Circuit":
        """An attempt ended without a word on the upstream's health (cancelled, refused by it, no money)."""
        return replace(self, is_probing=False) if self.is_probing else self
