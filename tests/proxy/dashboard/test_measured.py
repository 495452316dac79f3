"""Intervals, the frontier, budgets' pace, calibration and trees: the pure part of the pages."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.dashboard.measured import normal, pareto, wilson
from proxy.dashboard.models_page import brier, calibration
from proxy.dashboard.spend_page import burn_down, burn_of, days_of
from proxy.dashboard.tree import tree_of

points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), max_size=12)


@given(st.integers(1, 500), st.data())
def test_an_interval_of_a_share_holds_it_and_stays_within_one(count: int, data: st.DataObject) -> None:
    found = wilson(data.draw(st.integers(0, count)), count)
    assert 0 <= found.low <= found.mean + 1e-12 and found.mean <= found.high + 1e-12 and found.high <= 1


@given(st.lists(st.floats(0, 100), min_size=1))
def test_an_interval_of_a_mean_holds_it(values: list[float]) -> None:
    found = normal(sum(values), sum(value * value for value in values), len(values))
    assert 0 <= found.low <= found.mean <= found.high


@given(points)
def test_whatever_is_not_on_the_frontier_is_beaten_by_something_on_it(some: list[tuple[float, float, float]]) -> None:
    kept = [point for point, is_best in zip(some, pareto(some), strict=True) if is_best]
    assert bool(kept) == bool(some)
    for point, is_best in zip(some, pareto(some), strict=True):
        beaten = any(b[0] >= point[0] and b[1] <= point[1] and b[2] <= point[2] and b != point for b in kept)
        assert beaten is not is_best


def test_a_budget_that_goes_too_fast_is_said_to_be_empty_before_its_end() -> None:
    end = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    now = end - 20 * 86400
    budget = {"scope": "team", "id": "search", "window": "month", "limit_usd": 20.0, "spent_usd": 10.0}
    burn = burn_of({**budget, "reserved_usd": 0.0, "resets_at": end}, now)
    assert burn is not None and burn.is_short and abs(burn.forecast_usd - 30.0) < 1e-6
    assert burn.empty_at is not None and abs(burn.empty_at - (now + 10 * 86400)) < 1
    assert burn_of({**budget, "limit_usd": None, "reserved_usd": 0.0, "resets_at": end}, now) is None


def test_days_without_spending_are_there_and_money_left_falls() -> None:
    days = days_of([{"day": "2026-11-02", "usd": 2.0}], "2026-11-03")
    assert days[-3:] == [("2026-11-01", 0.0), ("2026-11-02", 2.0), ("2026-11-03", 0.0)]
    assert burn_down(5.0, days[-3:]) == [5.0, 3.0, 3.0]


def test_calibration_counts_only_what_was_validated_and_predicted() -> None:
    rows: list[dict[str, Any]] = [
        {"success": 0.95, "score": 1.0},
        {"success": 0.92, "score": 0.5},
        {"success": None, "score": 1.0},
    ]
    (only,) = calibration([*rows, {"success": 0.9, "score": None}])
    assert (only.count, only.actual.mean) == (2, 0.5)
    assert brier([]) is None and brier(rows) is not None


@given(
    st.dictionaries(st.sampled_from(["waves", "candidates", "attempts", "predicted", "chosen", "problems"]), st.none())
)
def test_a_tree_is_made_of_any_run_however_little_it_says(run: dict[str, Any]) -> None:
    assert tree_of({"id": "run-1", **run}).id == "run-1"
