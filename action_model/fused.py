"""A learnt model laid out for one text at a time: all tables' views in a few large products."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.clusters import Clusters
from action_model.features import Floats
from action_model.latent import logit
from action_model.learnt import Learnt
from action_model.ridge import Ridge

LEAST_TOLD = 1e-4
"""Of a topic, before its share is taken: as `View.shares` has it."""


@dataclass(frozen=True)
class Topics:
    """The topics of all tables side by side, T in all: `at` + x @ `weights` (d, T) tells each, to its `power` and as a
    share of its table's, which lie together from `starts`; the shares times `means` (T, M) are what they add."""

    at: Floats
    weights: Floats
    power: Floats
    starts: NDArray[np.intp]
    counts: NDArray[np.intp]
    means: Floats

    def told(self, x: Floats) -> Floats:
        """(M,)."""
        share: Floats = np.maximum(self.at + x @ self.weights, LEAST_TOLD) ** self.power
        share /= np.repeat(np.add.reduceat(share, self.starts), self.counts)
        added: Floats = share @ self.means
        return added


@dataclass(frozen=True)
class Fused:
    """`at` + x @ `slope` (M,) is level and ridge differences; a share of all K groups times `means` adds the rest.

    Groups of one view lie together, from `starts`; `inverse` is 1 / temperature of each group's view. The two large
    matrices are in single precision: what they cost is reading them from memory.
    """

    center: Floats
    basis: NDArray[np.float32]
    at: Floats
    slope: Floats
    centers: NDArray[np.float32]
    norms: Floats
    starts: NDArray[np.intp]
    counts: NDArray[np.intp]
    inverse: Floats
    means: Floats
    topics: Topics | None
    scale: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """(M,): the same as `Learnt.logits` of one text."""
        return self.logits_at(self.project(features))

    def project(self, features: Floats) -> Floats:
        """(d,): the same as `Projection` of one text, but only the words that are there are looked up."""
        there = np.flatnonzero(features)
        found: Floats = features[there].astype(np.float32) @ self.basis[there] - self.center
        return found

    def logits_at(self, x: Floats) -> Floats:
        """The same of a text's projected features (d,)."""
        found = self.at + x @ self.slope
        near = (2.0 * (self.centers @ x.astype(np.float32)) - self.norms) * self.inverse
        near -= np.repeat(np.maximum.reduceat(near, self.starts), self.counts)
        share = np.exp(near)
        share /= np.repeat(np.add.reduceat(share, self.starts), self.counts)
        found += share @ self.means
        if self.topics is not None:
            found += self.topics.told(x)
        corrected: Floats = self.scale * logit(np.clip(found, 0.005, 0.995)) + self.bias
        return corrected


def fuse(learnt: Learnt) -> Fused:
    """Lays out the mixtures of all tables side by side."""
    width, models = learnt.projection.basis.shape[1], len(learnt.models)
    at, slope = np.zeros(models), np.zeros((width, models))
    centers: list[Floats] = []
    inverse: list[Floats] = []
    means: list[Floats] = []
    topics: list[tuple[Ridge, float, Floats]] = []
    for table, mixture in learnt.mixtures.items():
        columns = list(learnt.tables[table])
        present = (mixture.topics is not None, bool(mixture.clusters), True)
        total = sum(weight for weight, is_there in zip(mixture.weights, present, strict=True) if is_there)
        by_topic = mixture.level_share if mixture.topics is not None and mixture.topic_levels is not None else 0.0
        for ridge, weight in ((mixture.level, 1.0 - by_topic), (mixture.differences, mixture.weights[2] / total)):
            at[columns] += weight * (ridge.mean - ridge.center @ ridge.weights)
            slope[:, columns] += weight * ridge.weights
        for view in mixture.clusters:
            assert isinstance(view.gate, Clusters)
            centers.append(view.gate.centers)
            inverse.append(np.full(len(view.gate.centers), 1.0 / view.gate.temperature))
            means.append(_placed(view.means * mixture.weights[1] / total / len(mixture.clusters), columns, models))
        if mixture.topics is not None and isinstance(mixture.topics.gate, Ridge):
            said = mixture.topics.means * mixture.weights[0] / total
            if by_topic and mixture.topic_levels is not None:
                said = said + by_topic * mixture.topic_levels[:, None]
            placed = _placed(said, columns, models)
            topics.append((mixture.topics.gate, mixture.topics.power, placed))
    stacked = np.concatenate(centers)
    counts = np.array([len(part) for part in centers], dtype=np.intp)
    return Fused(
        learnt.projection.center @ learnt.projection.basis,
        learnt.projection.basis.astype(np.float32),
        at,
        slope,
        stacked.astype(np.float32),
        (stacked**2).sum(axis=1),
        np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp),
        counts,
        np.concatenate(inverse),
        np.concatenate(means),
        _side_by_side(topics),
        learnt.latent.scale,
        learnt.latent.bias,
    )


def _side_by_side(topics: list[tuple[Ridge, float, Floats]]) -> Topics | None:
    if not topics:
        return None
    counts = np.array([len(means) for _, _, means in topics], dtype=np.intp)
    return Topics(
        np.concatenate([gate.mean - gate.center @ gate.weights for gate, _, _ in topics]),
        np.concatenate([gate.weights for gate, _, _ in topics], axis=1),
        np.repeat([power for _, power, _ in topics], counts),
        np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp),
        counts,
        np.concatenate([means for _, _, means in topics]),
    )


def _placed(means: Floats, columns: list[int], models: int) -> Floats:
    found = np.zeros((len(means), models))
    found[:, columns] = means
    return found
