"""A linear projection of the features: the principal directions of the training texts (Pearson 1901)."""

from dataclasses import dataclass

import numpy as np

from action_model.features import Floats

WIDTH = 256
LEAST_VALUE = 1e-9


@dataclass(frozen=True)
class Projection:
    """`center` (F,), `basis` (F, d) orthonormal."""

    center: Floats
    basis: Floats

    def __call__(self, features: Floats) -> Floats:
        """(N, F) → (N, d)."""
        found: Floats = (features - self.center) @ self.basis
        return found


def fit_projection(features: Floats, width: int = WIDTH) -> Projection:
    """The `width` directions of the largest variance; signs fixed, so that the same data give the same basis."""
    center = features.mean(axis=0)
    centred = features - center
    if len(features) < features.shape[1]:  # the same directions from the smaller matrix
        values, rows = np.linalg.eigh(centred @ centred.T)
        kept = np.flatnonzero(values > LEAST_VALUE)[::-1][:width]
        basis = centred.T @ (rows[:, kept] / np.sqrt(values[kept]))
    else:
        _, vectors = np.linalg.eigh(centred.T @ centred)
        basis = vectors[:, ::-1][:, :width]
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    return Projection(center, basis * signs)
