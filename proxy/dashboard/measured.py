"""What actions really did, with intervals; and which of any set of points nothing else beats. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.planning.situation import Tradeoff

Z = 1.96
SUMMED = ("tries", "validated", "satisfied", "usd", "usd_squares", "seconds", "seconds_squares")


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MeasuredAction:
    """An action on a cluster of tasks. `success` is of validated answers; None where none was."""

    cluster: str
    action: str
    model: str
    technique: str
    tries: int
    success: Interval | None
    usd: Interval
    seconds: Interval


def measured_action(row: Mapping[str, Any]) -> MeasuredAction:
    """From a row of the ledger's `outcome_sums`."""
    tries, validated = int(row["tries"]), int(row["validated"])
    return MeasuredAction(
        cluster=row["cluster"],
        action=row["action"],
        model=row["model"],
        technique=row["technique"],
        tries=tries,
        success=wilson(row["satisfied"], validated) if validated else None,
        usd=normal(row["usd"] or 0.0, row["usd_squares"] or 0.0, tries),
        seconds=normal(row["seconds"] or 0.0, row["seconds_squares"] or 0.0, tries),
    )


@dataclass(frozen=True, slots=True)
class MeasuredPlan:
    """What whole runs came to at one operating point. `success` is of validated runs; None where none was."""

    point: Tradeoff
    tries: int
    success: Interval | None
    usd: Interval
    seconds: Interval


@dataclass(frozen=True, slots=True)
class Selection:
    """Which runs: a cluster of tasks, and of the topics that the checkpoint with `basis` tells apart one, or all."""

    cluster: str
    basis: str | None = None
    topic: int | None = None


def measured_plans(rows: Sequence[Mapping[str, Any]], wanted: Selection) -> list[MeasuredPlan]:
    """From rows of the ledger's `plan_sums`, dearest dollar first."""
    sums: dict[Tradeoff, Counter[str]] = {}
    for row in rows:
        if row["cluster"] == wanted.cluster and (wanted.topic is None or _topic(row, wanted.basis) == wanted.topic):
            point = Tradeoff(float(row["usd_value"]), float(row["seconds_value"]))
            sums.setdefault(point, Counter()).update({name: row[name] or 0 for name in SUMMED})
    return [_measured_plan(point, found) for point, found in sorted(sums.items(), key=lambda pair: -pair[0].usd)]


def topics_of(rows: Sequence[Mapping[str, Any]], wanted: Selection) -> list[tuple[int, int]]:
    """(topic, runs) of a cluster, the most frequent first."""
    counts: Counter[int] = Counter()
    for row in rows:
        topic = _topic(row, wanted.basis)
        if row["cluster"] == wanted.cluster and topic is not None:
            counts[topic] += row["tries"]
    return counts.most_common()


def _topic(row: Mapping[str, Any], basis: str | None) -> int | None:
    """Known only where this checkpoint's numbers were kept: another's sides mean something else."""
    return None if row["topic"] is None or row["basis"] != basis else int(row["topic"])


def _measured_plan(point: Tradeoff, sums: Mapping[str, float]) -> MeasuredPlan:
    tries, validated = int(sums["tries"]), int(sums["validated"])
    return MeasuredPlan(
        point=point,
        tries=tries,
        success=wilson(sums["satisfied"], validated) if validated else None,
        usd=normal(sums["usd"], sums["usd_squares"], tries),
        seconds=normal(sums["seconds"], sums["seconds_squares"], tries),
    )


def wilson(passed: float, count: int) -> Interval:
    """Wilson's score interval of a share (Wilson 1927)."""
    share, square = passed / count, Z * Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = Z * math.sqrt(share * (1 - share) / count + square / (4 * count * count)) / (1 + square / count)
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach))


def normal(total: float, squares: float, count: int) -> Interval:
    """Mean ± 1.96 standard errors, from a sum and a sum of squares; never below zero."""
    mean = total / count
    variance = max(squares / count - mean * mean, 0.0) * count / max(count - 1, 1)
    reach = Z * math.sqrt(variance / count)
    return Interval(mean, max(0.0, mean - reach), mean + reach)


def pareto(points: Sequence[tuple[float, float, float]]) -> list[bool]:
    """Of (success, usd, seconds): is there none that is at least as good in all three, and better in one?"""
    return [not any(_beats(other, point) for other in points) for point in points]


def _beats(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    at_least = a[0] >= b[0] and a[1] <= b[1] and a[2] <= b[2]
    return at_least and a != b
