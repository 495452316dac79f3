"""A learnt model laid out for one text at a time: all that is linear in its projected features is one product."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from action_model.aside import Aside, lay_aside
from action_model.clusters import Clusters
from action_model.features import Floats, Singles
from action_model.learnt import Learnt
from action_model.mixture import Mixture
from action_model.ridge import Ridge

LEAST_SHARE = 1e-7
"""Of a view, below which a group adds nothing that single precision could tell."""
LEAST_TOLD = 1e-4
"""Of a topic, before its share is taken: as `View.shares` has it."""


class Span(NamedTuple):
    """The groups of one view, from `start` to before `end`. What is told of them, times their `temperature`, is how
    near a text is to their centres, but for something that is the same for all views."""

    start: int
    end: int
    temperature: float


@dataclass(frozen=True)
class Fused:
    """`rows` (R, d) and `at` (R,) tell of a text: how near it is to the centres of all K groups, all T topics, level
    with ridge differences of all M models, and what is told `aside`. A share of each view's groups and topics times
    `means` adds the rest.

    Groups of one view lie together, from `starts`, and so do a table's topics after them; `owner` is each one's view.
    `views` are the starts of views of groups.
    Topics are taken to their `power`. The large matrices are in single precision: what they cost is reading them from
    memory. `widest` is each table's view with the most groups.
    """

    center: Floats
    basis: Singles
    rows: Singles
    at: Singles
    power: Singles
    starts: NDArray[np.intp]
    owner: NDArray[np.intp]
    views: NDArray[np.intp]
    groups: int
    means: Singles
    scale: Floats
    bias: Floats
    aside: Aside
    widest: Mapping[str, Span]

    def tell(self, x: Singles) -> Singles:
        """(R,): what the rows say of a text's projected features (d,)."""
        told: Singles = self.rows @ x
        told += self.at
        return told

    def logits(self, told: Singles) -> Floats:
        """(M,): the same as `Learnt.logits` of the text that it was told of."""
        count, groups = len(self.owner), self.groups
        share = np.empty(count, np.float32)
        near, topics = share[:groups], share[groups:]
        nearest = np.maximum.reduceat(told[:groups], self.views)
        np.subtract(told[:groups], nearest.take(self.owner[:groups]), out=near)
        np.exp(near, out=near)
        np.power(np.maximum(told[groups:count], LEAST_TOLD), self.power, out=topics)
        share /= np.add.reduceat(share, self.starts).take(self.owner)
        there = (share > LEAST_SHARE).nonzero()[0]  # most groups are far from any text
        found = share.take(there) @ self.means.take(there, axis=0) + told[count : count + len(self.bias)]
        found = np.minimum(np.maximum(found.astype(np.float64), 0.005), 0.995)
        corrected: Floats = self.scale * np.log(found / (1.0 - found)) + self.bias
        return corrected

    def beside(self, told: Singles) -> tuple[Floats, Floats, Floats]:
        """(M,) logarithms of output tokens, (L,) of seconds, (M,) requirements of the same text."""
        return self.aside.of(told[len(self.owner) + len(self.bias) :])


@dataclass
class _Layout:
    """The parts of `Fused`, table by table: levels and ridge differences, groups of clusters, topics.

    Groups are told from the `middle` (d,) of all centres: what is the same for all adds nothing to their shares, and
    takes digits of single precision.
    """

    at: Floats
    slope: Floats
    middle: Floats
    groups: list["_Group"] = field(default_factory=list)
    topics: list["_Group"] = field(default_factory=list)
    widest: dict[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class _Group:
    """Some rows that share one whole: `rows` (k, d), `at` (k,), their `power`, and `means` (k, M)."""

    rows: Floats
    at: Floats
    power: float
    means: Floats


def fuse(learnt: Learnt) -> Fused:
    """Lays out the mixtures of all tables side by side."""
    width, models = learnt.projection.basis.shape[1], len(learnt.models)
    layout = _Layout(np.zeros(models), np.zeros((width, models)), _middle(learnt, width))
    for table, mixture in learnt.mixtures.items():
        _lay_out(layout, table, mixture, list(learnt.tables[table]))
    aside = lay_aside(learnt)
    parts = [*layout.groups, *layout.topics]
    counts = [len(part.at) for part in parts]
    starts = (np.cumsum(counts) - counts).astype(np.intp)
    return Fused(
        learnt.projection.center @ learnt.projection.basis,
        learnt.projection.basis.astype(np.float32),
        np.concatenate([*(part.rows for part in parts), layout.slope.T, aside.rows]).astype(np.float32),
        np.concatenate([*(part.at for part in parts), layout.at, aside.at]).astype(np.float32),
        np.repeat([part.power for part in layout.topics], counts[len(layout.groups) :]).astype(np.float32),
        starts,
        np.repeat(np.arange(len(parts), dtype=np.intp), counts),
        starts[: len(layout.groups)],
        sum(counts[: len(layout.groups)]),
        np.concatenate([part.means for part in parts]).astype(np.float32),
        learnt.latent.scale,
        learnt.latent.bias,
        aside,
        layout.widest,
    )


def _middle(learnt: Learnt, width: int) -> Floats:
    """(d,): the mean of all centres."""
    gates = [view.gate for mixture in learnt.mixtures.values() for view in mixture.clusters]
    centers = [gate.centers for gate in gates if isinstance(gate, Clusters)]
    found: Floats = np.concatenate(centers).mean(axis=0) if centers else np.zeros(width)
    return found


def _lay_out(layout: _Layout, table: str, mixture: Mixture, columns: list[int]) -> None:
    models = len(layout.at)
    present = (mixture.topics is not None, bool(mixture.clusters), True)
    total = sum(weight for weight, is_there in zip(mixture.weights, present, strict=True) if is_there)
    by_topic = mixture.level_share if mixture.topics is not None and mixture.topic_levels is not None else 0.0
    for ridge, weight in ((mixture.level, 1.0 - by_topic), (mixture.differences, mixture.weights[2] / total)):
        layout.at[columns] += weight * (ridge.mean - ridge.center @ ridge.weights)
        layout.slope[:, columns] += weight * ridge.weights
    for view in mixture.clusters:
        assert isinstance(view.gate, Clusters)
        means = _placed(view.means * mixture.weights[1] / total / len(mixture.clusters), columns, models)
        _lay_out_groups(layout, table, view.gate, means)
    if mixture.topics is not None and isinstance(mixture.topics.gate, Ridge):
        said, told = mixture.topics.means * mixture.weights[0] / total, mixture.topics.gate
        if by_topic and mixture.topic_levels is not None:
            said = said + by_topic * mixture.topic_levels[:, None]
        at = told.mean - told.center @ told.weights
        layout.topics.append(_Group(told.weights.T, at, mixture.topics.power, _placed(said, columns, models)))


def _lay_out_groups(layout: _Layout, table: str, gate: Clusters, means: Floats) -> None:
    start = sum(len(group.at) for group in layout.groups)
    rows, apart = gate.centers - layout.middle, layout.middle @ layout.middle - (gate.centers**2).sum(axis=1)
    layout.groups.append(_Group(2.0 * rows / gate.temperature, apart / gate.temperature, 1.0, means))
    span, known = Span(start, start + len(rows), gate.temperature), layout.widest.get(table)
    if known is None or span.end - span.start > known.end - known.start:
        layout.widest[table] = span


def _placed(means: Floats, columns: list[int], models: int) -> Floats:
    found = np.zeros((len(means), models))
    found[:, columns] = means
    return found
