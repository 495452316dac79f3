"""What a text demands, in a few numbers: where the known models' logits on it lie.

The logits of all known models are low-rank (tinyBenchmarks, arXiv 2402.14992; IRT-Router, 2506.01048):
u(x) are their principal components, of unit variance over the training texts. A model, known or new, is then a bias and
loadings: logit = bias + loadings · u(x). A dozen numbers do not tell the text they come from.
"""

from dataclasses import dataclass

import numpy as np

from action_model.features import Floats

DIMENSIONS = 12
LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Demand:
    """u = (logits - `center` (M,)) @ `basis` (M, k); logits ≈ center + u @ `loadings` (M, k) transposed."""

    center: Floats
    basis: Floats
    loadings: Floats

    def __call__(self, logits: Floats) -> Floats:
        """(N, M) or (M,) → (N, k) or (k,)."""
        found: Floats = (logits - self.center) @ self.basis
        return found


def fit_demand(logits: Floats, dimensions: int = DIMENSIONS) -> Demand:
    """The directions of the largest variance of logits (N, M); signs fixed so that most models load positively."""
    center = logits.mean(axis=0)
    _, singular, rows = np.linalg.svd(logits - center, full_matrices=False)
    spread = singular / np.sqrt(len(logits))
    count = min(dimensions, int((spread > LEAST_SPREAD).sum()))
    vectors = rows[:count].T  # (M, k)
    vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
    return Demand(center, vectors / spread[:count], vectors * spread[:count])
