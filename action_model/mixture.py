"""The marginal predictor: how likely each model answers a text well.

A choice depends on the *differences* between models, and the largest of several noisy predictions is the luckiest
error, so level and differences are fitted apart: the level (how easy the task is for all) by ridge, the differences as
the mean of three shrunken views: topics, soft clusters, and ridge.
"""

from dataclasses import dataclass

import numpy as np

from action_model.clusters import Clusters, fit_clusters, shrunk_means
from action_model.features import Floats
from action_model.ridge import Ridge, fit_ridge


@dataclass(frozen=True, slots=True)
class MixtureConfig:
    """How strongly each view is shrunk, and what it weighs."""

    level_penalty: float = 6.0
    difference_penalty: float = 30.0
    topic_penalty: float = 1.0
    topic_power: float = 4.0
    cluster_counts: tuple[int, ...] = (24, 48, 96)
    cluster_seeds: int = 2
    cluster_temperature: float = 0.02
    pull: float = 10.0
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class View:
    """A gate over K groups and the groups' means of the differences (K, M)."""

    gate: Clusters | Ridge
    means: Floats
    power: float

    def predict(self, x: Floats) -> Floats:
        """(N, M)."""
        if isinstance(self.gate, Clusters):
            share = self.gate.membership(x)
        else:
            share = np.clip(self.gate.predict(x), 1e-4, None) ** self.power
            share /= share.sum(axis=1, keepdims=True)
        found: Floats = share @ self.means
        return found


@dataclass(frozen=True)
class Mixture:
    """Predicts scores (N, M)."""

    level: Ridge
    differences: Ridge
    topics: View | None
    clusters: tuple[View, ...]
    weights: tuple[float, float, float]

    def predict(self, x: Floats) -> Floats:
        """Expected score of each model on each text, within [0, 1]."""
        parts = [(self.weights[2], self.differences.predict(x))]
        if self.topics is not None:
            parts.append((self.weights[0], self.topics.predict(x)))
        if self.clusters:
            parts.append((self.weights[1], np.mean([view.predict(x) for view in self.clusters], axis=0)))
        total = sum(weight for weight, _ in parts)
        differences = np.sum([weight * part for weight, part in parts], axis=0) / total
        found: Floats = np.clip(self.level.predict(x) + differences, 0.005, 0.995)
        return found


def fit_mixture(
    x: Floats, score: Floats, topics: tuple[str, ...] | None = None, config: MixtureConfig | None = None
) -> Mixture:
    """Fits on scores (N, M). `topics`: labels of the training texts where there are some; they are never read later."""
    config = config or MixtureConfig()
    level = score.mean(axis=1, keepdims=True)
    differences = score - level
    views = []
    for count in config.cluster_counts:
        for seed in range(config.cluster_seeds):
            clusters = fit_clusters(x, count, config.cluster_temperature, seed)
            views.append(View(clusters, shrunk_means(clusters.membership(x), differences, config.pull), 1.0))
    return Mixture(
        level=fit_ridge(x, level, config.level_penalty),
        differences=fit_ridge(x, differences, config.difference_penalty),
        topics=None if topics is None else _topic_view(x, differences, topics, config),
        clusters=tuple(views),
        weights=config.weights,
    )


def _topic_view(x: Floats, differences: Floats, topics: tuple[str, ...], config: MixtureConfig) -> View:
    """A topic is told from the text by ridge on its indicator; the gate sharpens what it says."""
    names = sorted(set(topics))
    onehot = np.eye(len(names))[[names.index(topic) for topic in topics]]
    gate = fit_ridge(x, onehot, config.topic_penalty)
    return View(gate, shrunk_means(onehot, differences, config.pull / 2), config.topic_power)
