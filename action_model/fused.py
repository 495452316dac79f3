"""A learnt model laid out for one text at a time: all tables' views in a few large products."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from action_model.clusters import Clusters
from action_model.features import DENSE, MARKS, Floats
from action_model.learnt import Learnt
from action_model.mixture import Mixture
from action_model.ridge import Ridge

LEAST_SHARE = 1e-7
"""Of a view, below which a group adds nothing that single precision could tell."""
LEAST_TOLD = 1e-4
"""Of a topic, before its share is taken: as `View.shares` has it."""


@dataclass(frozen=True)
class Fused:
    """`rows` (K + T + M, d) and `at` tell of a text: how near it is to the centres of all K groups, all T topics, and
    level with ridge differences of all M models. A share of each view's groups and topics times `means` adds the rest.

    Groups of one view lie together, from `starts`, and so do a table's topics after them; `owner` is each one's view.
    Topics are taken to their `power`. The large matrices are in single precision: what they cost is reading them from
    memory.
    """

    center: Floats
    basis: NDArray[np.float32]
    rows: NDArray[np.float32]
    at: NDArray[np.float32]
    power: NDArray[np.float32]
    starts: NDArray[np.intp]
    owner: NDArray[np.intp]
    groups: int
    means: NDArray[np.float32]
    scale: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """(M,): the same as `Learnt.logits` of one text."""
        return self.logits_at(self.project(features))

    def project(self, features: Floats) -> Floats:
        """(d,): the same as `Projection` of one text, but only the words that are there are looked up."""
        said, words = features.astype(np.float32), slice(DENSE, -MARKS)
        there = np.flatnonzero(said[words]) + DENSE
        found = said[:DENSE] @ self.basis[:DENSE] + said[there] @ self.basis.take(there, axis=0)
        projected: Floats = found + said[-MARKS:] @ self.basis[-MARKS:] - self.center
        return projected

    def logits_at(self, x: Floats) -> Floats:
        """The same of a text's projected features (d,)."""
        told = self.rows @ x.astype(np.float32)
        told += self.at
        share = told[: len(self.owner)]
        near, topics = share[: self.groups], share[self.groups :]
        views = self.starts[: np.searchsorted(self.starts, self.groups)]
        near -= np.maximum.reduceat(near, views)[self.owner[: self.groups]]
        np.exp(near, out=near)
        np.power(np.maximum(topics, LEAST_TOLD), self.power, out=topics)
        share /= np.add.reduceat(share, self.starts)[self.owner]
        there = np.flatnonzero(share > LEAST_SHARE)  # most groups are far from any text
        found = (told[len(share) :] + share[there] @ self.means.take(there, axis=0)).astype(np.float64)
        found = np.minimum(np.maximum(found, 0.005), 0.995)
        corrected: Floats = self.scale * np.log(found / (1.0 - found)) + self.bias
        return corrected


@dataclass(frozen=True)
class Aside:
    """What else is told of a text, by ridge: `at` + x @ `weights`. First the logarithm of output tokens of all M
    models, then of seconds of those with paces, then how many requirements such texts had, by table."""

    at: Floats
    weights: Floats
    models: int
    paced: int
    columns: tuple[NDArray[np.intp], ...]

    def tell(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """(M,) tokens, (L,) seconds, (M,) requirements of projected features (d,)."""
        told = self.at + x @ self.weights
        requirements, tables = np.zeros(self.models), told[self.models + self.paced :]
        for columns, count in zip(self.columns, tables.tolist(), strict=True):
            requirements[columns] = max(count, 0.0)
        return told[: self.models], told[self.models : self.models + self.paced], requirements


def lay_aside(learnt: Learnt) -> Aside:
    """Lays out all ridges besides the marginals' own side by side."""
    paces = [] if learnt.paces is None else [learnt.paces.ridge]
    ridges = [learnt.log_tokens, *paces, *learnt.requirement_counts.values()]
    return Aside(
        np.concatenate([ridge.mean - ridge.center @ ridge.weights for ridge in ridges]),
        np.concatenate([ridge.weights for ridge in ridges], axis=1),
        len(learnt.models),
        sum(len(ridge.mean) for ridge in paces),
        tuple(np.array(learnt.tables[table], dtype=np.intp) for table in learnt.requirement_counts),
    )


@dataclass
class _Layout:
    """The parts of `Fused`, table by table: levels and ridge differences, groups of clusters, topics."""

    at: Floats
    slope: Floats
    groups: list["_Group"] = field(default_factory=list)
    topics: list["_Group"] = field(default_factory=list)


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
    layout = _Layout(np.zeros(models), np.zeros((width, models)))
    for table, mixture in learnt.mixtures.items():
        _lay_out(layout, mixture, list(learnt.tables[table]))
    parts = [*layout.groups, *layout.topics]
    counts = [len(part.at) for part in parts]
    return Fused(
        learnt.projection.center @ learnt.projection.basis,
        learnt.projection.basis.astype(np.float32),
        np.concatenate([*(part.rows for part in parts), layout.slope.T]).astype(np.float32),
        np.concatenate([*(part.at for part in parts), layout.at]).astype(np.float32),
        np.repeat([part.power for part in layout.topics], counts[len(layout.groups) :]).astype(np.float32),
        (np.cumsum(counts) - counts).astype(np.intp),
        np.repeat(np.arange(len(parts), dtype=np.intp), counts),
        sum(counts[: len(layout.groups)]),
        np.concatenate([part.means for part in parts]).astype(np.float32),
        learnt.latent.scale,
        learnt.latent.bias,
    )


def _lay_out(layout: _Layout, mixture: Mixture, columns: list[int]) -> None:
    models = len(layout.at)
    present = (mixture.topics is not None, bool(mixture.clusters), True)
    total = sum(weight for weight, is_there in zip(mixture.weights, present, strict=True) if is_there)
    by_topic = mixture.level_share if mixture.topics is not None and mixture.topic_levels is not None else 0.0
    for ridge, weight in ((mixture.level, 1.0 - by_topic), (mixture.differences, mixture.weights[2] / total)):
        layout.at[columns] += weight * (ridge.mean - ridge.center @ ridge.weights)
        layout.slope[:, columns] += weight * ridge.weights
    for view in mixture.clusters:
        gate = view.gate
        assert isinstance(gate, Clusters)
        means = _placed(view.means * mixture.weights[1] / total / len(mixture.clusters), columns, models)
        at = -(gate.centers**2).sum(axis=1) / gate.temperature
        layout.groups.append(_Group(2.0 * gate.centers / gate.temperature, at, 1.0, means))
    if mixture.topics is not None and isinstance(mixture.topics.gate, Ridge):
        said, told = mixture.topics.means * mixture.weights[0] / total, mixture.topics.gate
        if by_topic and mixture.topic_levels is not None:
            said = said + by_topic * mixture.topic_levels[:, None]
        at = told.mean - told.center @ told.weights
        layout.topics.append(_Group(told.weights.T, at, mixture.topics.power, _placed(said, columns, models)))


def _placed(means: Floats, columns: list[int], models: int) -> Floats:
    found = np.zeros((len(means), models))
    found[:, columns] = means
    return found
