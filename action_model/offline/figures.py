"""Figures of reports: a checkpoint on held-out tasks, and against the one in use."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from action_model.actions import Action, Offer, Portfolio
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.features import Floats
from action_model.frontier import hull, policy_points, single_points
from action_model.metrics import auc, brier, calibration_error
from action_model.offline.sampling import operating_points
from action_model.outcomes import Grid
from action_model.prices import Price

BINS = 10
POINTS = 5
RESAMPLES = 1000
SURE = 0.8
MOST_TASKS = 600


@dataclass(frozen=True, slots=True)
class Choosing:
    """One action a task, chosen by predictions where a dollar is worth `usd_value` successes: what came of it on
    average. `seconds` None: the table does not say."""

    usd_value: float
    success: float
    usd: float
    seconds: float | None


@dataclass(frozen=True)
class Predicted:
    """How well one checkpoint predicts: `bins` (B, 2) predicted against observed success; `frontier` (K, 2) cost and
    success of choosing by its predictions; `choosing` the same at a few operating points, with seconds; `worth` (N,)
    what choosing by it is worth on each task, success less money, on average over those points."""

    success: Floats
    brier: float
    auc: float
    calibration_error: float
    bins: Floats
    frontier: Floats
    choosing: tuple[Choosing, ...] = ()
    worth: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Change:
    """A new checkpoint against the one in use. `surely`: the share of resamples of tasks in which its Brier is
    lower; `gain` is what choosing by it is worth more, on average over operating points, `gain_surely` the share in
    which that is more."""

    brier_before: float
    brier_after: float
    surely: float
    gain: float = 0.0
    gain_surely: float = 0.5

    @property
    def is_better(self) -> bool:
        """Is it to be promoted?"""
        return self.brier_after < self.brier_before and self.surely >= SURE

    @property
    def is_worse(self) -> bool:
        """Does it surely predict worse, or choose worse?"""
        predicts = self.brier_after > self.brier_before and self.surely <= 1.0 - SURE
        return predicts or (self.gain < 0.0 and self.gain_surely <= 1.0 - SURE)


def some_of(grid: Grid, most: int = MOST_TASKS) -> Grid:
    """At most so many tasks, the same every time: reports need no more."""
    return grid.take(np.sort(np.random.default_rng(0).permutation(len(grid.prompts))[:most]))


def predict(estimator: Estimator, grid: Grid) -> Predicted:
    """What serving would expect of every model of the grid on every task."""
    return predicted(predictions(estimator, grid), grid)


def predictions(estimator: Estimator, grid: Grid) -> Floats:
    """(N, M): the chance of success that serving would expect of every model on every task."""
    portfolio = Portfolio(tuple(_offer(grid, j) for j in range(len(grid.models))))
    counts = np.zeros(len(grid.prompts)) if grid.requirements is None else grid.requirements
    tasks = zip(grid.prompts, grid.input_tokens, counts, strict=True)
    facts = [Facts(text, int(tokens), requirement_kinds=("check",) * round(n)) for text, tokens, n in tasks]
    return np.array([[e.success for e in estimator.believe(one, portfolio).estimates] for one in facts])


def predicted(success: Floats, grid: Grid) -> Predicted:
    """How good predictions (N, M) are."""
    usd = np.broadcast_to(grid.usd.mean(axis=0), grid.usd.shape)
    points = operating_points(grid.usd, POINTS)
    taken = [np.argmax(success - point * usd, axis=1) for point in points]
    rows = np.arange(len(success))
    worth = [grid.score[rows, pick] - point * grid.usd[rows, pick] for point, pick in zip(points, taken, strict=True)]
    return Predicted(
        success=success,
        brier=brier(success, grid.score),
        auc=auc(success, grid.score),
        calibration_error=calibration_error(success, grid.score),
        bins=calibration_bins(success, grid.score),
        frontier=hull(policy_points(grid, success, usd)),
        choosing=tuple(_choosing(grid, float(point), pick) for point, pick in zip(points, taken, strict=True)),
        worth=np.mean(worth, axis=0),
    )


def _choosing(grid: Grid, usd_value: float, pick: NDArray[np.intp]) -> Choosing:
    rows = np.arange(len(pick))
    seconds = grid.seconds[rows, pick]
    told = None if np.isnan(seconds).all() else float(np.nanmean(seconds))
    return Choosing(usd_value, float(grid.score[rows, pick].mean()), float(grid.usd[rows, pick].mean()), told)


def change(before: Predicted, after: Predicted, grid: Grid) -> Change:
    """Paired over tasks (bootstrap, Efron 1979)."""
    error = ((after.success - grid.score) ** 2 - (before.success - grid.score) ** 2).mean(axis=1)
    rows = np.random.default_rng(0).integers(0, len(error), (RESAMPLES, len(error)))
    surely = float((error[rows].mean(axis=1) < 0).mean())
    gain = after.worth - before.worth
    if not len(gain):
        return Change(before.brier, after.brier, surely)
    gains = gain[rows].mean(axis=1)
    gain_surely = float((gains > 0).mean() + 0.5 * (gains == 0).mean())
    return Change(before.brier, after.brier, surely, float(gain.mean()), gain_surely)


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
