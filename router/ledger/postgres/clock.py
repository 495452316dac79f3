"""What time the database has, as far as this process knows: no clock of a proxy's matters."""

import time
from collections.abc import Callable


class DatabaseClock:
    """Unix seconds by the database's clock. `said`, for tests only, takes its place."""

    def __init__(self, said: Callable[[], float] | None = None) -> None:
        self._said = said
        self._ahead = 0.0

    def now(self) -> float:
        """As far as we know; between two words of the database, our steady clock goes on."""
        return self._said() if self._said else time.monotonic() + self._ahead

    def heard(self, now: float) -> None:
        """The database said so."""
        self._ahead = now - time.monotonic()

    def said(self) -> float | None:
        """For statements: None lets the database look at its own clock."""
        return self._said() if self._said else None
