"""The particles' weights, fit to compute with."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def clean_weights(weights: Floats) -> Floats:
    """The particles' probabilities, made to sum to 1 whatever came."""
    total = float(weights.sum())
    if not (math.isfinite(total) and weights[weights.argmin()] >= 0.0):
        weights = np.maximum(finite(weights), 0.0)
        total = float(weights.sum())
    if total == 1.0:
        return weights
    if total > 0.0 and math.isfinite(total):
        return weights / total
    even: Floats = np.full(len(weights), 1.0 / max(len(weights), 1))
    return even


def shares(values: Floats) -> Floats:
    """The values, kept between 0 and 1: 0 for what is no number, 1 for infinity; nearly always as they are."""
    if values.size and values.min() >= 0.0 and values.max() <= 1.0:
        return values
    return np.minimum(np.maximum(finite(values, above=1.0), 0.0), 1.0)


def finite(values: Floats, nan: float = 0.0, above: float = 0.0) -> Floats:
    """The values with `nan` for what is no number, `above` for plus and 0 for minus infinity: nearly always as they
    are."""
    if np.isfinite(values).all():
        return values
    cleaned: Floats = np.nan_to_num(values, nan=nan, posinf=above, neginf=0.0)
    return cleaned
