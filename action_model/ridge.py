"""Ridge regression in its cheaper form: primal or dual, whichever is the smaller system (Hoerl & Kennard 1970)."""

from dataclasses import dataclass

import numpy as np

from action_model.features import Floats


@dataclass(frozen=True)
class Ridge:
    """`weights` (F, M), `mean` (M,): prediction = mean + (x - center) @ weights."""

    center: Floats
    mean: Floats
    weights: Floats

    def predict(self, x: Floats) -> Floats:
        """(N, M)."""
        found: Floats = self.mean + (x - self.center) @ self.weights
        return found


def fit_ridge(x: Floats, y: Floats, penalty: float) -> Ridge:
    """Least squares with `penalty` × |weights|², targets and features centred."""
    center, mean = x.mean(axis=0), y.mean(axis=0)
    xc, yc = x - center, y - mean
    count, width = x.shape
    if width <= count:
        weights = np.linalg.solve(xc.T @ xc + penalty * np.eye(width, dtype=x.dtype), xc.T @ yc)
    else:
        weights = xc.T @ np.linalg.solve(xc @ xc.T + penalty * np.eye(count, dtype=x.dtype), yc)
    return Ridge(center, mean, weights)
