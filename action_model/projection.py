"""A linear projection of the features: directions that are asked for, then the principal ones (Pearson 1901)."""

from dataclasses import dataclass

import numpy as np

from action_model.features import Floats

WIDTH = 256
LEAST_VALUE = 1e-9
TELLING_SHARE = 0.5
"""Of the directions, that may be asked for."""
LEAST_TELLING = 1e-3
"""The weight of a direction asked for that is worth keeping, as a share of the heaviest."""


@dataclass(frozen=True)
class Projection:
    """`center` (F,), `basis` (F, d) orthonormal, the first `asked` of its directions those that were asked for."""

    center: Floats
    basis: Floats
    asked: int = 0

    def __call__(self, features: Floats) -> Floats:
        """(N, F) → (N, d)."""
        found: Floats = (features - self.center) @ self.basis
        return found


def fit_projection(features: Floats, width: int = WIDTH, telling: Floats | None = None) -> Projection:
    """Directions that span `telling` (F, T), the heaviest where they are many, then those of the largest variance in
    the rest, `width` in all; signs fixed, so that the same data give the same basis."""
    center = features.mean(axis=0)
    rest = features - center
    first = np.zeros((features.shape[1], 0))
    if telling is not None:
        first = spanned(telling, int(TELLING_SHARE * width))
        rest = rest - (rest @ first) @ first.T
    basis = np.concatenate([first, _principal(rest, width - first.shape[1])], axis=1)
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    return Projection(center, basis * signs, first.shape[1])


def spanned(telling: Floats, most: int) -> Floats:
    """(F, r): an orthonormal basis of what the columns span."""
    left, values, _ = np.linalg.svd(telling, full_matrices=False)
    kept = np.flatnonzero(values > LEAST_TELLING * max(values.max(initial=0.0), LEAST_VALUE))[:most]
    found: Floats = left[:, kept]
    return found


def _principal(centred: Floats, width: int) -> Floats:
    """(F, width): the directions of the largest variance."""
    if len(centred) < centred.shape[1]:  # the same directions from the smaller matrix
        values, rows = np.linalg.eigh(centred @ centred.T)
        kept = np.flatnonzero(values > LEAST_VALUE)[::-1][:width]
        found: Floats = centred.T @ (rows[:, kept] / np.sqrt(values[kept]))
        return found
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(vectors[:, ::-1][:, :width])
