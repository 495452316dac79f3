"""Spend: by team, key, model and day; budgets with what is left, how fast it goes, and when it will be gone. Pure."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from proxy.dashboard.charts import burn_chart

Row = Mapping[str, Any]
DAYS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Burn:
    """A budget's window: `forecast_usd` at its end if it goes on as it went; `empty_at` when it would be spent."""

    scope: str
    id: str
    window: str
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    share_of_time: float
    forecast_usd: float
    empty_at: float | None
    resets_at: float | None

    @property
    def share_spent(self) -> float:
        """Of the limit; 1 where the limit is zero."""
        return min(1.0, (self.spent_usd + self.reserved_usd) / self.limit_usd) if self.limit_usd else 1.0

    @property
    def is_short(self) -> bool:
        """Will it be spent before the window ends?"""
        return self.forecast_usd > self.limit_usd


def burn_of(budget: Row, now: float) -> Burn | None:
    """How a limited budget goes; None where there is no limit. The pace is the mean since the window began."""
    limit = budget.get("limit_usd")
    if limit is None:
        return None
    spent, resets_at = float(budget["spent_usd"]), budget.get("resets_at")
    length = _window_seconds(str(budget["window"]), resets_at)
    gone = 0.0 if length is None or resets_at is None else max(1.0, length - (resets_at - now))
    pace = spent / gone if gone else 0.0
    empty = now + (limit - spent) / pace if pace and spent < limit else None
    return Burn(
        scope=budget["scope"],
        id=budget["id"],
        window=budget["window"],
        limit_usd=float(limit),
        spent_usd=spent,
        reserved_usd=float(budget["reserved_usd"]),
        share_of_time=0.0 if length is None else gone / length,
        forecast_usd=spent if length is None else pace * length,
        empty_at=empty if empty is not None and resets_at is not None and empty < resets_at else None,
        resets_at=resets_at,
    )


def _window_seconds(window: str, resets_at: float | None) -> float | None:
    """How long the window is that ends then; None for one that never ends."""
    if resets_at is None:
        return None
    if window == "month":
        last = datetime.fromtimestamp(resets_at, UTC) - timedelta(days=1)
        return 86400.0 * calendar.monthrange(last.year, last.month)[1]
    return {"day": 86400.0, "week": 7 * 86400.0}.get(window)


def days_of(rows: Sequence[Row], today: str) -> list[tuple[str, float]]:
    """Dollars of each of the last days, days without spending too. `rows` are {day, usd}."""
    spent = {row["day"]: row["usd"] for row in rows}
    end = datetime.strptime(today, "%Y-%m-%d").replace(tzinfo=UTC)
    days = [(end - timedelta(days=back)).strftime("%Y-%m-%d") for back in range(DAYS_SHOWN - 1, -1, -1)]
    return [(day, float(spent.get(day, 0.0))) for day in days]


def burn_down(limit_usd: float, days: Sequence[tuple[str, float]]) -> list[float]:
    """What was left after each day."""
    left, found = limit_usd, []
    for _, usd in days:
        left -= usd
        found.append(left)
    return found


def burn_chart_of(burn: Burn, spent: Sequence[Row], now: float) -> Mapping[str, Any]:
    """The chart of a budget: what was left after each day of its window so far."""
    today = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    days = days_of(spent, today)
    length = _window_seconds(burn.window, burn.resets_at)
    if length is not None and burn.resets_at is not None:
        first = datetime.fromtimestamp(burn.resets_at - length, UTC).strftime("%Y-%m-%d")
        days = [day for day in days if day[0] >= first]
    return burn_chart(burn.limit_usd, days, burn_down(burn.limit_usd, days), burn.forecast_usd)
