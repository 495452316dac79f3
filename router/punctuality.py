"""How much of a budget's seconds is kept back for the end of a run, so that its answer is there in time."""

from collections import deque

REMEMBERED = 64
"""Ends of runs that are looked back on."""
QUANTILE = 0.9
LEAST_SECONDS = 0.005
MOST_SHARE = 0.25
"""Of the budget's seconds: a short budget is rather a little late than spent on being in time."""


class Punctuality:
    """Looks back on how long after their deadline runs ended: cancelled calls, records, and a busy event loop."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=REMEMBERED)

    def kept_back(self, seconds: float) -> float:
        """Seconds to end earlier than a budget of so many: 9 in 10 late ends took no longer, lately."""
        late = sorted(self._late)
        typical = late[min(int(QUANTILE * len(late)), len(late) - 1)] if late else 0.0
        return min(max(typical, LEAST_SECONDS), MOST_SHARE * seconds)

    def observe(self, seconds: float) -> None:
        """A run that its deadline ended came to its end so long after it."""
        self._late.append(max(seconds, 0.0))
