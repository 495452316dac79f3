"""The cost-quality frontier and its figures: AIQ as RouterBench (arXiv 2403.12031) defines it."""

import numpy as np

from action_model.outcomes import Floats, Grid

LAMBDAS = 200


def policy_points(grid: Grid, score: Floats, usd: Floats, count: int = LAMBDAS) -> Floats:
    """(count, 2): mean cost and quality of argmax(predicted score - lambda × predicted cost), for `count` lambdas.

    `score` and `usd` are predictions (N, M). Lambdas run from 0 to where only cost counts, evenly in logarithm.
    """
    spread = float(np.median(usd.max(axis=1) - usd.min(axis=1))) or 1.0
    lambdas = np.concatenate([[0.0], np.logspace(-4, 3, count - 1) / spread])
    rows = np.arange(len(score))
    points = np.empty((count, 2))
    for i, weight in enumerate(lambdas):
        chosen = np.argmax(score - weight * usd, axis=1)
        points[i] = grid.usd[rows, chosen].mean(), grid.score[rows, chosen].mean()
    return points


def single_points(grid: Grid) -> Floats:
    """(M, 2): mean cost and quality of each model alone."""
    return np.stack([grid.usd.mean(axis=0), grid.score.mean(axis=0)], axis=1)


def hull(points: Floats) -> Floats:
    """The non-decreasing concave hull, by ascending cost."""
    ordered = points[np.lexsort((-points[:, 1], points[:, 0]))]
    kept: list[Floats] = []
    for point in ordered:
        if kept and point[1] <= kept[-1][1]:
            continue
        while len(kept) > 1 and _turns_left(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return np.array(kept)


def quality_at(points: Floats, usd: Floats) -> Floats:
    """Quality on the hull at these costs; flat after its best point."""
    found: Floats = np.interp(usd, points[:, 0], points[:, 1])
    return found


def aiq(points: Floats, singles: Floats) -> float:
    """Area under the hull of `points` and the single models', over the range of the single models' mean costs."""
    low, high = float(singles[:, 0].min()), float(singles[:, 0].max())
    frontier = hull(np.concatenate([points, singles]))
    costs = np.unique(np.concatenate([frontier[:, 0], [low, high]]))
    costs = costs[(costs >= low) & (costs <= high)]
    quality = quality_at(frontier, costs)
    return float(np.trapezoid(quality, costs) / (high - low)) if high > low else float(quality.max())


def cost_at_share(points: Floats, singles: Floats, share: float) -> float | None:
    """Cost at which the frontier reaches `share` of the best single model's quality, over that model's cost."""
    best = singles[np.argmax(singles[:, 1])]
    frontier = hull(np.concatenate([points, singles]))
    reached = np.flatnonzero(frontier[:, 1] >= share * best[1] - 1e-12)
    if not len(reached):
        return None
    i = int(reached[0])
    if i == 0:
        return float(frontier[0, 0] / best[0])
    (x0, y0), (x1, y1) = frontier[i - 1], frontier[i]
    return float((x0 + (share * best[1] - y0) / (y1 - y0) * (x1 - x0)) / best[0])


def _turns_left(a: Floats, b: Floats, c: Floats) -> bool:
    return bool((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) >= 0)
