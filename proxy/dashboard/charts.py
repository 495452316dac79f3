"""Charts as Plotly figures (JSON). Colours are left to the page, which knows whether it is light or dark."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.dashboard.measured import Interval, MeasuredAction, MeasuredPlan
from proxy.dashboard.models_page import Bin
from proxy.dashboard.sampled import PredictedAction, PredictedPlan

Figure = dict[str, Any]
Place = tuple[float, float]


def tradeoff_chart(
    axis: str,
    predicted: Sequence[PredictedAction],
    on_frontier: Sequence[bool],
    measured: Sequence[MeasuredAction],
    plans: Sequence[PredictedPlan],
    came: Sequence[tuple[str, MeasuredPlan]] = (),
) -> Figure:
    """Success against dollars or seconds (`axis` "usd" or "seconds")."""
    front = sorted(
        (e for e, is_best in zip(predicted, on_frontier, strict=True) if is_best), key=lambda e: _at(e, axis)
    )
    title = "Dollars per task" if axis == "usd" else "Seconds per task"
    return {
        "data": [
            _predicted_trace(axis, predicted),
            {
                "name": "Pareto frontier (all three)",
                "mode": "lines",
                "x": [_at(e, axis) for e in front],
                "y": [e.success for e in front],
                "line": {"dash": "dot", "width": 1.5},
                "hoverinfo": "skip",
            },
            _measured_trace(axis, [m for m in measured if m.success is not None]),
            {
                "name": "Plans, predicted",
                "mode": "lines+markers",
                "x": [_at(plan, axis) for plan in plans],
                "y": [plan.success for plan in plans],
                "text": [f"$1 costs {plan.usd_value:.3g}, 1 s costs {plan.seconds_value:.3g}" for plan in plans],
                "marker": {"symbol": "diamond", "size": 8},
            },
            _plans_trace(axis, [(name, plan) for name, plan in came if plan.success is not None]),
        ],
        "layout": {
            "xaxis": {
                "title": {"text": title},
                "type": "log",
                "exponentformat": "power",
                "dtick": 1,
                "tickprefix": "$" if axis == "usd" else "",
            },
            "yaxis": {"title": {"text": "Success"}, "range": [0, 1.03], "tickformat": ".0%"},
        },
    }


def _at(point: Any, axis: str) -> float:
    """Zero has no place on a logarithmic axis: free models stand at its left end."""
    return max(float(getattr(point, axis)), 1e-6 if axis == "usd" else 1e-3)


def _predicted_trace(axis: str, predicted: Sequence[PredictedAction]) -> Figure:
    other = "seconds" if axis == "usd" else "usd"
    return {
        "name": "Actions, predicted",
        "mode": "markers",
        "x": [_at(e, axis) for e in predicted],
        "y": [e.success for e in predicted],
        "error_y": {"type": "data", "array": [e.spread for e in predicted], "thickness": 1},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, getattr(e, f"{axis}_high") - getattr(e, axis)) for e in predicted],
            "arrayminus": [0.0 for _ in predicted],
            "thickness": 1,
        },
        "text": [f"{e.action}<br>{other} {getattr(e, other):.3g}" for e in predicted],
        "marker": {"size": 9},
    }


def _measured_trace(axis: str, measured: Sequence[MeasuredAction]) -> Figure:
    named = [(f"{m.action}<br>{m.tries} tries", m) for m in measured]
    return _marks("Actions, measured", axis, named, {"size": 10, "symbol": "square"})


def _plans_trace(axis: str, plans: Sequence[tuple[str, MeasuredPlan]]) -> Figure:
    named = [(f"{name}<br>{plan.tries} runs", plan) for name, plan in plans]
    return _marks("Plans, measured", axis, named, {"size": 12, "symbol": "star"})


def _marks(
    name: str, axis: str, named: Sequence[tuple[str, MeasuredAction | MeasuredPlan]], marker: Mapping[str, Any]
) -> Figure:
    """What was measured, with its intervals on both axes; a share that nobody knows stands at 0."""
    places: list[Interval] = [getattr(measured, axis) for _, measured in named]
    shares = [measured.success or Interval(0.0, 0.0, 0.0) for _, measured in named]
    return {
        "name": name,
        "mode": "markers",
        "x": [max(place.mean, 1e-6 if axis == "usd" else 1e-3) for place in places],
        "y": [share.mean for share in shares],
        "error_y": _error(shares),
        "error_x": _error(places),
        "text": [text for text, _ in named],
        "marker": dict(marker),
    }


def _error(intervals: Sequence[Interval]) -> Figure:
    return {
        "type": "data",
        "symmetric": False,
        "array": [i.high - i.mean for i in intervals],
        "arrayminus": [i.mean - i.low for i in intervals],
        "thickness": 1,
    }


def days_chart(days: Sequence[tuple[str, float]], by: Mapping[str, Sequence[tuple[str, float]]]) -> Figure:
    """Dollars a day, stacked by model."""
    traces = [
        {"type": "bar", "name": name, "x": [day for day, _ in rows], "y": [usd for _, usd in rows]}
        for name, rows in by.items()
    ] or [{"type": "bar", "name": "all", "x": [day for day, _ in days], "y": [usd for _, usd in days]}]
    return {
        "data": traces,
        "layout": {
            "barmode": "stack",
            "yaxis": {"title": {"text": "Dollars"}, "tickprefix": "$", "exponentformat": "none"},
        },
    }


def burn_chart(limit_usd: float, days: Sequence[tuple[str, float]], left: Sequence[float], forecast: float) -> Figure:
    """What was left of a budget after each day of its window."""
    names = [day for day, _ in days]
    return {
        "data": [
            {"name": "Left", "mode": "lines+markers", "x": names, "y": list(left)},
            {"name": "Limit", "mode": "lines", "x": names, "y": [limit_usd] * len(names), "line": {"dash": "dot"}},
        ],
        "layout": {
            "xaxis": {"type": "category"},
            "yaxis": {"title": {"text": "Dollars left"}, "tickprefix": "$", "rangemode": "tozero"},
        },
    } | ({"note": f"forecast ${forecast:.2f}"} if forecast else {})


def calibration_chart(bins: Sequence[Bin]) -> Figure:
    """Predicted success against what came; on the diagonal predictions are right."""
    return {
        "data": [
            {
                "name": "Perfect",
                "mode": "lines",
                "x": [0, 1],
                "y": [0, 1],
                "line": {"dash": "dot"},
                "hoverinfo": "skip",
            },
            {
                "name": "Runs",
                "mode": "markers",
                "x": [tenth.predicted for tenth in bins],
                "y": [tenth.actual.mean for tenth in bins],
                "error_y": _error([tenth.actual for tenth in bins]),
                "text": [f"{tenth.count} runs" for tenth in bins],
                "marker": {"size": 10},
            },
        ],
        "layout": {
            "xaxis": {"title": {"text": "Predicted success"}, "range": [0, 1.02], "tickformat": ".0%"},
            "yaxis": {"title": {"text": "Actual success"}, "range": [0, 1.02], "tickformat": ".0%"},
        },
    }
