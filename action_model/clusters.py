"""Soft clusters of the features: categories nobody labelled (Avengers-Pro, arXiv 2508.12631; UniRoute, 2502.08773)."""

from dataclasses import dataclass

import numpy as np

from action_model.features import Floats

ROUNDS = 25


@dataclass(frozen=True)
class Clusters:
    """Centres (K, F); membership falls with squared distance over `temperature`."""

    centers: Floats
    temperature: float

    def membership(self, x: Floats) -> Floats:
        """(N, K), rows sum to 1."""
        distance = (self.centers**2).sum(axis=1)[None, :] - 2.0 * x @ self.centers.T
        logits = -distance / self.temperature
        logits -= logits.max(axis=1, keepdims=True)
        weights = np.exp(logits)
        share: Floats = weights / weights.sum(axis=1, keepdims=True)
        return share


def fit_clusters(x: Floats, count: int, temperature: float, seed: int) -> Clusters:
    """k-means (Lloyd 1982) from random starts among the points; an empty cluster starts again at a random point."""
    random = np.random.default_rng(seed)
    points = x.astype(np.float32)  # half the work, and more digits than a mean of clusters needs
    centers = points[random.choice(len(x), min(count, len(x)), replace=False)]
    for _ in range(ROUNDS):
        nearest = ((centers**2).sum(axis=1)[None, :] - 2.0 * points @ centers.T).argmin(axis=1)
        order = np.argsort(nearest, kind="stable")
        sizes = np.bincount(nearest, minlength=len(centers))
        filled = np.flatnonzero(sizes)
        starts = (np.cumsum(sizes) - sizes)[filled]
        centers = points[random.choice(len(x), len(centers))]  # an empty one starts again
        centers[filled] = np.add.reduceat(points[order], starts, axis=0) / sizes[filled, None]
    return Clusters(centers.astype(np.float64), temperature)


def shrunk_means(membership: Floats, y: Floats, pull: float) -> Floats:
    """(K, M): each cluster's mean of y, pulled to the overall mean as by `pull` prompts of it."""
    mean = y.mean(axis=0)
    found: Floats = mean + (membership.T @ (y - mean)) / (membership.sum(axis=0)[:, None] + pull)
    return found
