"""A linear projection of the features: the principal directions of the training texts (Pearson 1901)."""

from dataclasses import dataclass

import numpy as np

from action_model.features import Floats

WIDTH = 256


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
    _, vectors = np.linalg.eigh(centred.T @ centred)
    basis = vectors[:, ::-1][:, : min(width, len(features))]
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    return Projection(center, basis * signs)
