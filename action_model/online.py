"""What real runs say between trainings: small counts per (cluster, action) that move predictions at once.

Each action's logit gets an offset of its own, and one more in each cluster; both are normal, and each outcome moves
them by one step of assumed-density filtering (a Kalman filter of a logistic observation: West, Harrison & Migon 1985;
ratings are kept like this, Glickman 1999). Old outcomes fade. Sums of outcome - prediction raise the alarm when they
part.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from action_model.features import Floats

logger = logging.getLogger("maestro.drift")
DIRECTIONS = 3
OVERALL_VARIANCE, CLUSTER_VARIANCE = 0.25, 0.0625
"""Of an action's offset and of what a cluster adds to it, before anything was seen."""
KEPT = 0.998
"""Each outcome of an action fades by this with the next one: about five hundred count."""
MOST_OFFSET = 2.5
LEAST_OUTCOMES = 30.0
ALARM, CALM = 4.0, 2.5
"""Standard deviations between predicted and actual: the alarm is raised at the one and withdrawn at the other."""


class Gap(msgspec.Struct, frozen=True):
    """`total` of outcome - prediction, `weight` of p (1 - p), `count` of outcomes, all faded."""

    total: float = 0.0
    weight: float = 0.0
    count: float = 0.0

    def plus(self, outcome: float, predicted: float) -> "Gap":
        """With one outcome more."""
        p = min(max(predicted, 0.01), 0.99)
        return Gap(KEPT * self.total + outcome - p, KEPT * self.weight + p * (1 - p), KEPT * self.count + 1.0)

    @property
    def deviation(self) -> float:
        """Actual against predicted, in standard deviations."""
        return self.total / math.sqrt(self.weight) if self.weight > 0 else 0.0


class Offset(msgspec.Struct, frozen=True):
    """What is added to a logit: its mean and its variance."""

    mean: float
    variance: float

    def after(self, surprise: float, shared: float, most: float) -> "Offset":
        """After `surprise`, outcome - prediction over 1 + w × all offsets' variance; `shared` is w over the same."""
        left = self.variance * (1.0 - self.variance * shared)
        moved = self.mean + self.variance * surprise
        return Offset(min(max(moved, -MOST_OFFSET), MOST_OFFSET), min(left / KEPT, most))


@dataclass(frozen=True, slots=True)
class Recalled:
    """An outcome that was stored: which checkpoint `predicted` it, what its text demands, what came of it."""

    checkpoint: str
    demand: Floats
    action: str
    predicted: float
    outcome: float


@dataclass
class Online:
    """What one worker has seen since its checkpoint was loaded."""

    clusters: dict[tuple[int, str], Offset] = field(default_factory=dict)
    overall: dict[str, Offset] = field(default_factory=dict)
    gaps: dict[str, Gap] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)

    def learn(self, cluster: int, action: str, predicted: float, outcome: float) -> None:
        """Takes in what came of an action whose success was `predicted` with these offsets."""
        p = min(max(predicted, 0.01), 0.99)
        unmoved = _moved(p, -self.offset(cluster, action))
        self.gaps[action] = self.gaps.get(action, Gap()).plus(outcome, unmoved)
        whole = self.overall.get(action, Offset(0.0, OVERALL_VARIANCE))
        part = self.clusters.get((cluster, action), Offset(0.0, CLUSTER_VARIANCE))
        spread = 1.0 + p * (1 - p) * (whole.variance + part.variance)
        surprise, shared = (outcome - p) / spread, p * (1 - p) / spread
        self.overall[action] = whole.after(surprise, shared, OVERALL_VARIANCE)
        self.clusters[cluster, action] = part.after(surprise, shared, CLUSTER_VARIANCE)
        self._watch(action)

    def offset(self, cluster: int, action: str) -> float:
        """What to add to the action's logit on a text of this cluster; 0 where nothing was seen."""
        whole = self.overall.get(action)
        if whole is None:
            return 0.0
        part = self.clusters.get((cluster, action))
        total = whole.mean + (part.mean if part is not None else 0.0)
        return min(max(total, -MOST_OFFSET), MOST_OFFSET)

    def offsets(self, cluster: int, actions: Sequence[str]) -> list[float]:
        """The same for several actions."""
        return [self.offset(cluster, action) for action in actions]

    def _watch(self, action: str) -> None:
        gap = self.gaps[action]
        if action in self.alarms:
            if abs(gap.deviation) < CALM:
                self.alarms.discard(action)
        elif gap.count >= LEAST_OUTCOMES and abs(gap.deviation) >= ALARM:
            self.alarms.add(action)
            logger.warning(
                "%s is %s than predicted: %+.1f standard deviations over %.0f outcomes; maestro train or onboard",
                action,
                "better" if gap.total > 0 else "worse",
                gap.deviation,
                gap.count,
            )


def cluster_of(demand: Floats) -> int:
    """Which of eight kinds of text: the sides on which it lies in the three largest directions of demand."""
    return sum(1 << i for i, value in enumerate(demand[:DIRECTIONS].tolist()) if value > 0)


def _moved(p: float, offset: float) -> float:
    clipped = min(max(p, 0.005), 0.995)
    return 1.0 / (1.0 + math.exp(-math.log(clipped / (1.0 - clipped)) - offset))
