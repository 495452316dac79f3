"""Names of what was learnt: which checkpoint a prediction came from, and what its numbers of demand mean."""

import hashlib
from dataclasses import dataclass

import numpy as np

from action_model.features import Floats
from action_model.learnt import Learnt


@dataclass(frozen=True, slots=True)
class Identity:
    """`basis` is the same for all checkpoints that read a text alike: those that only learnt new models besides."""

    checkpoint: str
    basis: str


def identity_of(learnt: Learnt) -> Identity:
    """Sixteen hex digits each. Numbers are compared in single precision, as they are stored."""
    basis = hashlib.sha256()
    parts = [learnt.projection.center, learnt.latent.scale, learnt.latent.bias, learnt.latent.theta]
    parts += [learnt.demand.center, learnt.demand.basis, learnt.demand.loadings]
    for table in sorted(learnt.mixtures):
        mixture = learnt.mixtures[table]
        parts += [mixture.level.weights, mixture.differences.weights, *(view.means for view in mixture.clusters)]
    for part in parts:
        basis.update(_bytes(part))
    whole = basis.copy()
    whole.update(repr((learnt.joined.names, learnt.concentration)).encode())
    for part in learnt.joined.parts():
        whole.update(_bytes(part))
    return Identity(whole.hexdigest()[:16], basis.hexdigest()[:16])


def _bytes(part: Floats) -> bytes:
    return np.ascontiguousarray(part, dtype=np.float32).tobytes()
