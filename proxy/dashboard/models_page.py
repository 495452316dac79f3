"""Models: how well predictions held, how that drifted, how fast each model is now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from action_model.speed import Speed
from proxy.dashboard.measured import Interval, wilson

Row = Mapping[str, Any]
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Runs whose predicted success lay in a tenth: mean of the prediction, and what really held."""

    predicted: float
    actual: Interval
    count: int


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model. Errors are means of actual − predicted over validated runs; Brier is the mean squared error."""

    model: str
    runs: int
    brier: float | None
    success_error: float | None
    usd_ratio: float | None
    seconds_ratio: float | None
    drift: float | None
    speed: Speed | None


def calibration(rows: Sequence[Row]) -> list[Bin]:
    """Predicted success against what came, in tenths that have runs."""
    bins: dict[int, list[tuple[float, float]]] = {}
    for predicted, actual in _validated(rows):
        bins.setdefault(min(BINS - 1, int(predicted * BINS)), []).append((predicted, actual))
    return [
        Bin(fmean(p for p, _ in found), wilson(sum(a for _, a in found), len(found)), len(found))
        for _, found in sorted(bins.items())
    ]


def brier(rows: Sequence[Row]) -> float | None:
    """Mean squared error of predicted success; None without validated runs."""
    pairs = _validated(rows)
    return fmean((p - a) ** 2 for p, a in pairs) if pairs else None


def model_rows(rows: Sequence[Row], models: Sequence[str], speeds: Mapping[str, Speed]) -> list[ModelRow]:
    """A row for each model that is configured or has runs. `rows` are newest first."""
    names = [*models, *sorted({str(row["model"]) for row in rows if row["model"]} - set(models))]
    return [_row(name, [row for row in rows if row["model"] == name], speeds.get(name)) for name in names]


def _row(name: str, rows: Sequence[Row], speed: Speed | None) -> ModelRow:
    pairs = _validated(rows)
    half = len(pairs) // 2
    return ModelRow(
        model=name,
        runs=len(rows),
        brier=brier(rows),
        success_error=fmean(a - p for p, a in pairs) if pairs else None,
        usd_ratio=_ratio(rows, "usd"),
        seconds_ratio=_ratio(rows, "seconds"),
        drift=fmean(a - p for p, a in pairs[:half]) - fmean(a - p for p, a in pairs[half:]) if half >= 5 else None,
        speed=speed,
    )


def _validated(rows: Sequence[Row]) -> list[tuple[float, float]]:
    return [
        (float(row["success"]), float(row["score"] >= 1.0))
        for row in rows
        if row["success"] is not None and row["score"] is not None
    ]


def _ratio(rows: Sequence[Row], name: str) -> float | None:
    """Actual over predicted, of sums."""
    pairs = [
        (row[f"{name}_predicted"], row[name]) for row in rows if row[f"{name}_predicted"] and row[name] is not None
    ]
    predicted = sum(p for p, _ in pairs)
    return sum(a for _, a in pairs) / predicted if predicted else None
