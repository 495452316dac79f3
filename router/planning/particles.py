"""The particles' weights, fit to compute with."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def clean_weights(weights: Floats) -> Floats:
    """The particles' probabilities, made to sum to 1 whatever came."""
    clean = np.maximum(finite(weights), 0.0)
    total = float(clean.sum())
    if total > 0.0 and math.isfinite(total):
        return clean / total
    even: Floats = np.full(len(clean), 1.0 / max(len(clean), 1))
    return even


def finite(values: Floats, nan: float = 0.0, above: float = 0.0) -> Floats:
    """The values with `nan` for what is no number, `above` for plus and 0 for minus infinity: nearly always as they
    are."""
    if np.isfinite(values).all():
        return values
    cleaned: Floats = np.nan_to_num(values, nan=nan, posinf=above, neginf=0.0)
    return cleaned
