"""A learnt model laid out for one text at a time: all tables' views in a few large products."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.clusters import Clusters
from action_model.features import Floats
from action_model.latent import logit
from action_model.learnt import Learnt
from action_model.ridge import Ridge


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
    topics: tuple[tuple[Ridge, float, Floats], ...]
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
        for gate, power, means in self.topics:
            told = np.clip(gate.mean + (x - gate.center) @ gate.weights, 1e-4, None) ** power
            found += (told / told.sum()) @ means
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
        tuple(topics),
        learnt.latent.scale,
        learnt.latent.bias,
    )


def _placed(means: Floats, columns: list[int], models: int) -> Floats:
    found = np.zeros((len(means), models))
    found[:, columns] = means
    return found
