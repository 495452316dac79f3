"""The particles' weights, fit to compute with."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def clean_weights(weights: Floats) -> Floats:
    """The particles' probabilities, made to sum to 1 whatever came."""
    clean = np.clip(np.nan_to_num(weights, nan=0.0, posinf=0.0), 0.0, None)
    total = float(clean.sum())
    even: Floats = np.full(len(clean), 1.0 / max(len(clean), 1))
    return clean / total if total > 0.0 and math.isfinite(total) else even
