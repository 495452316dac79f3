"""The trade-offs page's words: which tasks, and each plan as predicted beside what it came to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.dashboard.measured import MeasuredPlan, Selection
from proxy.dashboard.operating import Held
from proxy.dashboard.sampled import CLUSTERS, PredictedPlan
from router.planning.situation import Tradeoff
from router.task import Effort

MOST_EARLIER = 6
TOPICS = 8


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tasks and whose."""

    selection: Selection
    team: str | None

    @property
    def cluster(self) -> str:
        """Of `CLUSTERS`."""
        return self.selection.cluster

    @property
    def topic(self) -> int | None:
        """One of the checkpoint's kinds of text; None: all."""
        return self.selection.topic


def filters_of(said: Mapping[str, str], team: str | None, basis: str | None) -> Filters:
    """What the page's address says; what it does not know is left out."""
    cluster, topic = said.get("cluster", "checked"), said.get("topic", "")
    known = basis is not None and topic.isdecimal() and int(topic[:3]) < TOPICS
    return Filters(Selection(cluster if cluster in CLUSTERS else "checked", basis, int(topic) if known else None), team)


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan at one operating point: what is expected of it, and what runs at that point came to."""

    name: str
    point: Tradeoff
    predicted: PredictedPlan | None
    measured: MeasuredPlan | None


def points_asked(
    efforts: Mapping[Effort, Tradeoff], held: Sequence[Held], came: Sequence[MeasuredPlan]
) -> dict[Tradeoff, str]:
    """The points worth a row, by what they are called: the efforts, those that hold, and the latest others that ran."""
    names: dict[Tradeoff, str] = {point: f"effort {effort}" for effort, point in efforts.items()}
    for one in held:
        names.setdefault(one.tradeoff, f"point of {one.whose or 'the server'}")
    earlier = sorted((plan for plan in came if plan.point not in names), key=lambda plan: -plan.tries)
    for plan in earlier[:MOST_EARLIER]:
        names[plan.point] = f"point {plan.point.usd:.3g} / {plan.point.seconds:.3g}"
    return names


def plan_rows(
    names: Mapping[Tradeoff, str], asked: Sequence[PredictedPlan], came: Sequence[MeasuredPlan]
) -> list[PlanRow]:
    """The thriftiest first."""
    predicted = {Tradeoff(plan.usd_value, plan.seconds_value): plan for plan in asked}
    measured = {plan.point: plan for plan in came}
    rows = [PlanRow(name, point, predicted.get(point), measured.get(point)) for point, name in names.items()]
    return sorted(rows, key=lambda row: (-row.point.usd, -row.point.seconds))
