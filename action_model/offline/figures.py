"""Figures of reports: a checkpoint on held-out tasks, and against the one in use."""

from dataclasses import dataclass

import numpy as np

from action_model.actions import Action, Offer, Portfolio
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.features import Floats
from action_model.frontier import hull, policy_points, single_points
from action_model.metrics import auc, brier, calibration_error
from action_model.outcomes import Grid
from action_model.prices import Price

BINS = 10
RESAMPLES = 1000
SURE = 0.8
MOST_TASKS = 600


@dataclass(frozen=True)
class Predicted:
    """How well one checkpoint predicts: `bins` (B, 2) predicted against observed success; `frontier` (K, 2) cost and
    success of choosing by its predictions."""

    success: Floats
    brier: float
    auc: float
    calibration_error: float
    bins: Floats
    frontier: Floats


@dataclass(frozen=True)
class Change:
    """A new checkpoint against the one in use. `surely`: the share of resamples of tasks in which its Brier is
    lower."""

    brier_before: float
    brier_after: float
    surely: float

    @property
    def is_better(self) -> bool:
        """Is it to be promoted?"""
        return self.brier_after < self.brier_before and self.surely >= SURE


def some_of(grid: Grid, most: int = MOST_TASKS) -> Grid:
    """At most so many tasks, the same every time: reports need no more."""
    return grid.take(np.sort(np.random.default_rng(0).permutation(len(grid.prompts))[:most]))


def predict(estimator: Estimator, grid: Grid) -> Predicted:
    """What serving would expect of every model of the grid on every task."""
    portfolio = Portfolio(tuple(_offer(grid, j) for j in range(len(grid.models))))
    success = np.array(
        [
            [estimate.success for estimate in estimator.believe(Facts(text, int(tokens)), portfolio).estimates]
            for text, tokens in zip(grid.prompts, grid.input_tokens, strict=True)
        ]
    )
    usd = np.broadcast_to(grid.usd.mean(axis=0), grid.usd.shape)
    return Predicted(
        success=success,
        brier=brier(success, grid.score),
        auc=auc(success, grid.score),
        calibration_error=calibration_error(success, grid.score),
        bins=calibration_bins(success, grid.score),
        frontier=hull(policy_points(grid, success, usd)),
    )


def change(before: Predicted, after: Predicted, grid: Grid) -> Change:
    """Paired over tasks (bootstrap, Efron 1979)."""
    difference = ((after.success - grid.score) ** 2 - (before.success - grid.score) ** 2).mean(axis=1)
    random = np.random.default_rng(0)
    means = difference[random.integers(0, len(difference), (RESAMPLES, len(difference)))].mean(axis=1)
    return Change(before.brier, after.brier, float((means < 0).mean()))


def calibration_bins(success: Floats, score: Floats) -> Floats:
    """(B, 2): mean predicted and mean observed success of bins of equal size."""
    order = np.argsort(success, axis=None, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return np.array([[success.ravel()[part].mean(), score.ravel()[part].mean()] for part in parts])


def alone(grid: Grid) -> list[dict[str, object]]:
    """Each action alone: success, dollars, seconds, and whether it stands on the frontier."""
    edge = {tuple(point) for point in hull(single_points(grid)).tolist()}
    return [
        {
            "action": name,
            "success": float(grid.score[:, j].mean()),
            "usd an answer": float(grid.usd[:, j].mean()),
            "seconds": None if np.isnan(grid.seconds[:, j]).all() else float(np.nanmean(grid.seconds[:, j])),
            "on the frontier": "yes" if (grid.usd[:, j].mean(), grid.score[:, j].mean()) in edge else "",
        }
        for j, name in enumerate(grid.models)
    ]


def _offer(grid: Grid, j: int) -> Offer:
    """At the price that its answers came to, for a checkpoint that does not know the model."""
    tokens = float(np.mean(grid.input_tokens)) + float(np.nan_to_num(grid.output_tokens[:, j]).mean())
    price = 1e6 * float(grid.usd[:, j].mean()) / max(tokens, 1.0)
    name = grid.models[j]
    return Offer(Action(f"table/{name}"), Price(price, price), family=name)
