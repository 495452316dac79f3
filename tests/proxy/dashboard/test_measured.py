"""Intervals, the frontier, budgets' pace, calibration and trees: the pure part of the pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dashboard.measured import Selection, measured_plans, normal, pareto, topics_of, wilson
from proxy.dashboard.models_page import brier, calibration
from proxy.dashboard.operating import Held
from proxy.dashboard.sampled import PredictedPlan, points_of
from proxy.dashboard.spend_page import burn_down, burn_of, days_of
from proxy.dashboard.tradeoffs_page import filters_of, plan_rows, points_asked
from proxy.dashboard.tree import tree_of
from router.planning.situation import Tradeoff
from router.task import Effort

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


def plan_row_of(usd_value: float, topic: int | None, *, tries: int = 4, cluster: str = "checked") -> dict[str, Any]:
    sums = {"tries": tries, "validated": tries, "satisfied": tries / 2, "usd": 1.0 * tries, "usd_squares": 1.0 * tries}
    point = {"usd_value": usd_value, "seconds_value": 0.02, "cluster": cluster, "basis": "b", "topic": topic}
    return {**point, **sums, "seconds": 2.0 * tries, "seconds_squares": 4.0 * tries}


def test_whole_runs_are_added_up_over_topics_or_kept_to_one() -> None:
    rows = [plan_row_of(50.0, 5), plan_row_of(50.0, None), plan_row_of(2.0, 5), plan_row_of(2.0, 5, cluster="free")]
    every = measured_plans(rows, Selection("checked", "b"))
    assert [(plan.point, plan.tries) for plan in every] == [(Tradeoff(50.0, 0.02), 8), (Tradeoff(2.0, 0.02), 4)]
    assert every[0].success == wilson(4, 8)
    assert every[0].usd.mean == 1.0
    one = measured_plans(rows, Selection("checked", "b", 5))
    assert [plan.tries for plan in one] == [4, 4]
    assert measured_plans(rows, Selection("checked", "another checkpoint", 5)) == []
    assert topics_of(rows, Selection("checked", "b")) == [(5, 8)]


@given(st.floats(0.1, 1000), st.floats(0.0, 1000), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.1, 100))
def test_the_points_on_offer_go_from_thrifty_to_thorough(
    low: float, high: float, low_seconds: float, high_seconds: float, medium: float
) -> None:
    points = points_of(
        {"low": Tradeoff(low, low_seconds), "medium": Tradeoff(medium, 0.01), "high": Tradeoff(high, high_seconds)}
    )
    assert len(points) == 11
    assert all(point.usd > 0 and 0 <= point.seconds < float("inf") for point in points)
    assert points[0].usd == pytest.approx(10 * low)


def test_the_points_run_through_the_efforts_that_the_operator_set() -> None:
    points = points_of({"low": Tradeoff(100.0, 0.1), "medium": Tradeoff(30.0, 0.05), "high": Tradeoff(1.0, 0.001)})
    assert points[-1].usd == pytest.approx(0.2)
    seconds = [point.seconds for point in points]
    assert seconds == sorted(seconds, reverse=True)
    between = [point for point in points if 1.0 <= point.usd <= 100.0]
    assert all(0.001 <= point.seconds <= 0.1 for point in between)


def test_every_plan_has_a_row_with_its_name_what_is_expected_and_what_came() -> None:
    efforts: dict[Effort, Tradeoff] = {
        "low": Tradeoff(50, 0.02),
        "medium": Tradeoff(10, 0.008),
        "high": Tradeoff(2, 0.002),
    }
    held = [Held("", Tradeoff(7, 0.005), "operating point"), Held("search", Tradeoff(50, 0.02), "effort low")]
    came = measured_plans([plan_row_of(50.0, None), plan_row_of(3.0, None)], Selection("checked"))
    names = points_asked(efforts, held, came)
    rows = plan_rows(names, [PredictedPlan("checked", 50, 0.02, 0.8, 0.1, 1.0)], came)
    assert [row.name for row in rows] == [
        "effort low",
        "effort medium",
        "point of the server",
        "point 3 / 0.02",
        "effort high",
    ]
    assert rows[0].predicted is not None and rows[0].measured is not None and rows[1].measured is None


@pytest.mark.parametrize("said", [{"topic": "9"}, {"topic": "-1"}, {"topic": "x"}, {"cluster": "none"}, {"topic": "٣"}])
def test_filters_that_mean_nothing_are_left_out(said: dict[str, str]) -> None:
    found = filters_of(said, None, "b")
    assert (found.cluster, found.topic) == ("checked", 3 if said.get("topic") == "٣" else None)
    assert filters_of({"topic": "3"}, None, None).topic is None
