"""Windows of a budget: they begin at stated UTC times and reset by themselves."""

from datetime import UTC, datetime, timedelta

from router.ledger.ledger import Window


def window_start(window: Window, now: float) -> int:
    """Unix seconds at which the window around `now` began: midnight UTC, Monday, the first; 0 for total."""
    if window == "total":
        return 0
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "week":
        day -= timedelta(days=day.weekday())
    if window == "month":
        day = day.replace(day=1)
    return int(day.timestamp())


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
