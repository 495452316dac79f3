"""What the planner would do now: predictions of actions and plans over a set of typical tasks, before any request."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import msgspec

from router.dispatcher import Dispatcher, Prediction
from router.errors import MaestroError
from router.planning.situation import Tradeoff
from router.task import Caller, Effort, Payload, Requirement, Task

CLUSTERS: Mapping[str, str] = {
    "free": "Nothing required",
    "checked": "Requirements that code checks",
    "judged": "Requirements that a model judges",
}
TEXTS = (
    "What is the capital of Australia, and since when?",
    "A train leaves at 09:40 and arrives at 13:05 after two stops of 7 minutes. How long did it move?",
    "Write a Python function that merges overlapping intervals, with a short explanation.",
    "Summarise this for a customer: the invoice of March was charged twice and the refund takes five days.",
)
REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "free": (),
    "checked": ("Answer in at most 80 words", "Do not use bullet points"),
    "judged": ("The tone is friendly and professional", "Every claim is correct"),
}
STEPS = 10
LEAST = 1e-6


def points_of(efforts: Mapping[Effort, Tradeoff]) -> tuple[Tradeoff, ...]:
    """Eleven points on the curve through the effort levels low and high, from ten times as thrifty as low to a fifth of
    high. Between them a second's worth is a power of a dollar's."""
    low, high = efforts["low"], efforts["high"]
    first, last = max(10.0 * low.usd, LEAST), max(high.usd / 5.0, LEAST)
    usd = [first * (last / first) ** (step / STEPS) for step in range(STEPS + 1)]
    return tuple(Tradeoff(value, _seconds_at(value, low, high)) for value in usd)


def _seconds_at(usd_value: float, low: Tradeoff, high: Tradeoff) -> float:
    """What a second is worth where a dollar is worth so much: never more than four times as at low."""
    if min(low.usd, low.seconds, high.usd, high.seconds) <= 0.0 or low.usd == high.usd:
        return max(low.seconds, high.seconds)
    power = math.log(low.seconds / high.seconds) / math.log(low.usd / high.usd)
    steps = min(max(power * math.log(usd_value / high.usd), -30.0), 30.0)
    return min(4.0 * max(low.seconds, high.seconds), high.seconds * math.exp(steps))


@dataclass(frozen=True, slots=True)
class PredictedAction:
    """Means over the typical tasks of a cluster; `spread` is a standard deviation of success; `_high` 0.9 quantiles."""

    cluster: str
    action: str
    model: str
    technique: str
    success: float
    spread: float
    usd: float
    usd_high: float
    seconds: float
    seconds_high: float


@dataclass(frozen=True, slots=True)
class PredictedPlan:
    """What the planner is expected to reach at one tradeoff. For tasks where something can be checked."""

    cluster: str
    usd_value: float
    seconds_value: float
    success: float
    usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """All actions; plans at the points on offer, and at those that were asked for besides."""

    actions: tuple[PredictedAction, ...]
    plans: tuple[PredictedPlan, ...]
    asked: tuple[PredictedPlan, ...]


def predict_all(dispatcher: Dispatcher, caller: Caller, cluster: str, extra: Sequence[Tradeoff] = ()) -> Predicted:
    """Predicts for a cluster at `points_of` the efforts in use and the extra tradeoffs. Nothing is called."""
    offered = points_of(dispatcher.efforts)
    points = (*offered, *extra)
    found = _predictions(dispatcher, caller, cluster, points)
    if not found:
        return Predicted((), (), ())
    plans = _mean_plans(cluster, found, points)
    return Predicted(tuple(_mean_actions(cluster, found)), tuple(plans[: len(offered)]), tuple(plans[len(offered) :]))


def typical_task(text: str, requirements: Sequence[str]) -> Task:
    """A task as a request would make it."""
    messages = msgspec.Raw(msgspec.json.encode([{"role": "user", "content": text}]))
    wanted = tuple(Requirement(said[:60], said) for said in requirements)
    return Task("maestro", Payload({"messages": messages}), wanted)


def _predictions(dispatcher: Dispatcher, caller: Caller, cluster: str, points: Sequence[Tradeoff]) -> list[Prediction]:
    tasks = [typical_task(text, REQUIREMENTS[cluster]) for text in TEXTS]
    try:
        return [dispatcher.predict(task, caller, points) for task in tasks]
    except MaestroError:
        return []


def _mean_actions(cluster: str, found: Sequence[Prediction]) -> list[PredictedAction]:
    by_action: dict[Any, list[Any]] = {}
    for prediction in found:
        for estimate in prediction.estimates:
            by_action.setdefault(estimate.action, []).append(estimate)
    return [
        PredictedAction(
            cluster=cluster,
            action=action.name,
            model=action.model,
            technique=action.technique,
            success=fmean(e.success for e in estimates),
            spread=fmean(e.uncertainty for e in estimates),
            usd=fmean(e.usd for e in estimates),
            usd_high=fmean(e.usd_high for e in estimates),
            seconds=fmean(e.seconds for e in estimates),
            seconds_high=fmean(e.seconds_high for e in estimates),
        )
        for action, estimates in by_action.items()
    ]


def _mean_plans(cluster: str, found: Sequence[Prediction], points: Sequence[Tradeoff]) -> list[PredictedPlan]:
    return [
        PredictedPlan(
            cluster=cluster,
            usd_value=point.usd,
            seconds_value=point.seconds,
            success=fmean(prediction.plans[i]["success"] for prediction in found),
            usd=fmean(prediction.plans[i]["usd"] for prediction in found),
            seconds=fmean(prediction.plans[i]["seconds"] for prediction in found),
        )
        for i, point in enumerate(points)
    ]
