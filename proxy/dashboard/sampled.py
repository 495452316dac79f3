"""What the planner would do now: predictions of actions and plans over a set of typical tasks, before any request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import msgspec

from router.dispatcher import Dispatcher, Prediction
from router.efforts import EFFORTS
from router.errors import MaestroError
from router.planning.situation import Tradeoff
from router.task import Caller, Payload, Requirement, Task

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
USD_VALUES = tuple(500.0 * (0.4 / 500.0) ** (step / 10) for step in range(11))


def point_at(usd_value: float) -> Tradeoff:
    """The point of the curve through the effort levels low (50 per dollar, 0.02 per second) and high (2, 0.002)."""
    low, high = EFFORTS["low"], EFFORTS["high"]
    share = (usd_value / high.usd) ** 0.715338
    return Tradeoff(usd_value, min(low.seconds * 4, high.seconds * share))


POINTS = tuple(point_at(value) for value in USD_VALUES)


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
    """All actions and plans."""

    actions: tuple[PredictedAction, ...]
    plans: tuple[PredictedPlan, ...]


def predict_all(dispatcher: Dispatcher, caller: Caller, cluster: str, extra: Sequence[Tradeoff] = ()) -> Predicted:
    """Predicts for a cluster at `POINTS` and the extra tradeoffs. Nothing is called."""
    points = (*POINTS, *extra)
    found = _predictions(dispatcher, caller, cluster, points)
    if not found:
        return Predicted((), ())
    return Predicted(tuple(_mean_actions(cluster, found)), tuple(_mean_plans(cluster, found, points)))


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
