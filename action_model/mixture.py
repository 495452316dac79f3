"""The marginal predictor: how likely each model answers a text well.

A choice depends on the *differences* between models, and the largest of several noisy predictions is the luckiest
error, so level and differences are fitted apart: the level (how easy the task is for all) by ridge and by the topic, in
the shares that tasks not fitted on say (stacking: Wolpert 1992); the differences as the mean of three shrunken views:
topics, soft clusters, and ridge, the noisiest, with the least weight.
"""

from dataclasses import dataclass

import numpy as np

from action_model.clusters import Clusters, fit_clusters, shrunk_means
from action_model.features import Floats
from action_model.ridge import Ridge, fit_ridge
from action_model.topics import PENALTY, onehot


@dataclass(frozen=True, slots=True)
class MixtureConfig:
    """How strongly each view is shrunk, and what it weighs: topics, clusters, ridge. `level_shares` are those of the
    level that the topic may say."""

    level_penalty: float = 6.0
    difference_penalty: float = 30.0
    topic_penalty: float = PENALTY
    topic_power: float = 4.0
    cluster_counts: tuple[int, ...] = (24, 48, 96)
    cluster_seeds: int = 2
    cluster_temperature: float = 0.02
    pull: float = 10.0
    weights: tuple[float, float, float] = (2.0, 1.0, 0.5)
    level_shares: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75)
    level_folds: int = 3


@dataclass(frozen=True)
class View:
    """A gate over K groups and the groups' means of the differences (K, M)."""

    gate: Clusters | Ridge
    means: Floats
    power: float

    def predict(self, x: Floats) -> Floats:
        """(N, M)."""
        found: Floats = self.shares(x) @ self.means
        return found

    def shares(self, x: Floats) -> Floats:
        """(N, K): how far each text belongs to each group."""
        if isinstance(self.gate, Clusters):
            return self.gate.membership(x)
        share: Floats = np.clip(self.gate.predict(x), 1e-4, None) ** self.power
        share /= share.sum(axis=1, keepdims=True)
        return share


@dataclass(frozen=True)
class Mixture:
    """Predicts scores (N, M). `level_share` of the level is `topic_levels` (T,), each topic's mean level."""

    level: Ridge
    differences: Ridge
    topics: View | None
    clusters: tuple[View, ...]
    weights: tuple[float, float, float]
    topic_levels: Floats | None = None
    level_share: float = 0.0

    def predict(self, x: Floats) -> Floats:
        """Expected score of each model on each text, within [0, 1]."""
        parts = [(self.weights[2], self.differences.predict(x))]
        if self.topics is not None:
            parts.append((self.weights[0], self.topics.predict(x)))
        if self.clusters:
            parts.append((self.weights[1], np.mean([view.predict(x) for view in self.clusters], axis=0)))
        total = sum(weight for weight, _ in parts)
        differences = np.sum([weight * part for weight, part in parts], axis=0) / total
        found: Floats = np.clip(self.levels(x) + differences, 0.005, 0.995)
        return found

    def levels(self, x: Floats) -> Floats:
        """(N, 1): the expected mean of all models."""
        ridge = self.level.predict(x)
        if self.topics is None or self.topic_levels is None or not self.level_share:
            return ridge
        told = self.topics.shares(x) @ self.topic_levels[:, None]
        found: Floats = (1.0 - self.level_share) * ridge + self.level_share * told
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
    if topics is not None:
        levels, share = _topic_levels(level, topics, config), _level_share(x, level, topics, config)
    else:
        levels, share = None, 0.0
    return Mixture(
        level=fit_ridge(x, level, config.level_penalty),
        differences=fit_ridge(x, differences, config.difference_penalty),
        topics=None if topics is None else _topic_view(x, differences, topics, config),
        clusters=tuple(views),
        weights=config.weights,
        topic_levels=levels,
        level_share=share,
    )


def _topic_view(x: Floats, y: Floats, topics: tuple[str, ...], config: MixtureConfig) -> View:
    """A topic is told from the text by ridge on its indicator; the gate sharpens what it says."""
    labels = onehot(topics)
    return View(
        fit_ridge(x, labels, config.topic_penalty), shrunk_means(labels, y, config.pull / 2), config.topic_power
    )


def _topic_levels(level: Floats, topics: tuple[str, ...], config: MixtureConfig) -> Floats:
    """(T,): each topic's mean level."""
    return shrunk_means(onehot(topics), level, config.pull / 2)[:, 0]


def _level_share(x: Floats, level: Floats, topics: tuple[str, ...], config: MixtureConfig) -> float:
    """The share of the level that the topic is to say: the one with the least squared error on texts not fitted on."""
    fold = np.arange(len(x)) % config.level_folds
    errors = np.zeros(len(config.level_shares))
    for k in range(config.level_folds):
        fit, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        if not len(fit) or not len(held):
            return 0.0
        ridge = fit_ridge(x[fit], level[fit], config.level_penalty).predict(x[held])
        told = _topic_view(x[fit], level[fit], tuple(topics[i] for i in fit.tolist()), config).predict(x[held])
        errors += [
            float((((1 - share) * ridge + share * told - level[held]) ** 2).sum()) for share in config.level_shares
        ]
    return config.level_shares[int(errors.argmin())]
