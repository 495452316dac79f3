"""Windows of a budget: they begin at stated UTC times and reset by themselves."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from router.ledger.ledger import Window

DAY_SECONDS = 86_400


def window_start(window: Window, now: float) -> int:
    """Unix seconds at which the window around `now` began: midnight UTC, Monday, the first; 0 for total."""
    return 0 if window == "total" else _start(window, int(now // DAY_SECONDS))


@lru_cache(64)
def _start(window: Window, days: int) -> int:
    day = datetime.fromtimestamp(days * DAY_SECONDS, UTC)
    if window == "week":
        day -= timedelta(days=day.weekday())
    if window == "month":
        day = day.replace(day=1)
    return int(day.timestamp())


@lru_cache(256)
def window_end(window: Window, start: int) -> float | None:
    """Unix seconds at which it resets; None for total."""
    if window == "total":
        return None
    begun = datetime.fromtimestamp(start, UTC)
    if window == "day":
        return (begun + timedelta(days=1)).timestamp()
    if window == "week":
        return (begun + timedelta(days=7)).timestamp()
    return (begun.replace(day=28) + timedelta(days=4)).replace(day=1).timestamp()


def current_end(window: Window, now: float) -> float | None:
    """When the window around `now` resets; None for total."""
    return window_end(window, window_start(window, now))
