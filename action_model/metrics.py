"""How good predictions are: Brier, AUC, calibration error, and bootstrap intervals."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats

BOOTSTRAPS = 200
BINS = 10


def brier(p: Floats, score: Floats) -> float:
    """Mean squared error of predicted chances (Brier 1950)."""
    return float(np.nanmean((p - score) ** 2))


def auc(p: Floats, score: Floats) -> float:
    """Mean over models of P(a success is ranked above a failure); ties count half (Mann & Whitney 1947)."""
    found = [_auc(p[:, j], score[:, j]) for j in range(score.shape[1])]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else float("nan")


def calibration_error(p: Floats, score: Floats) -> float:
    """Expected calibration error over ten bins of equal size (Naeini et al. 2015)."""
    seen = ~np.isnan(score)
    flat, truth = p[seen], score[seen]
    if not len(flat):
        return float("nan")
    parts = np.array_split(np.argsort(flat, kind="stable"), BINS)
    return float(sum(abs(flat[i].mean() - truth[i].mean()) * len(i) for i in parts if len(i)) / len(flat))


def interval(statistic: Callable[[NDArray[np.intp]], float], count: int, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of a statistic of prompts (Efron 1979)."""
    random = np.random.default_rng(seed)
    values = [statistic(random.integers(0, count, count)) for _ in range(BOOTSTRAPS)]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _auc(p: Floats, score: Floats) -> float | None:
    truth = score > 0.5
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2.0)[inverse]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))
