"""Topics of texts: which directions of the features tell them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.projection import Projection, fit_projection, spanned
from action_model.ridge import fit_ridge

PENALTY = 1.0
"""Of the ridge regression that tells topics: what cross-validation on `train` and `dev` preferred to 4."""


def telling_projection(features: Sequence[Floats], topics: Sequence[Sequence[str]]) -> Projection:
    """A projection of all tables' features, each (N, F), that keeps what tells each table's topics from the text.

    Principal directions keep what varies most; what a text is about hangs on words that are rare. Ridge regression of
    topics on all features (Hoerl & Kennard 1970) says on which: what it says of a text is kept whole.
    """
    telling = [fit_ridge(rows, onehot(some), PENALTY).weights for rows, some in zip(features, topics, strict=True)]
    return fit_projection(np.concatenate(list(features)), telling=np.concatenate(telling, axis=1))


def unseen_topics(
    projection: Projection, features: Floats, topics: Sequence[str], fold: NDArray[np.intp]
) -> list[Floats]:
    """For each fold (N, d): features (N, F) projected so that the topics of its own texts were not read.

    What tells topics is sharper on texts that it was fitted on; predictions of texts not fitted on need it unsharpened.
    """
    centred, labels = (features - projection.center).astype(np.float32), onehot(topics).astype(np.float32)
    principal = projection.basis[:, projection.asked :]
    found = []
    for k in range(int(fold.max()) + 1):
        seen = fold != k
        first = spanned(fit_ridge(centred[seen], labels[seen], PENALTY).weights, projection.asked)
        found.append(np.concatenate([centred @ first, centred @ principal], axis=1).astype(np.float64))
    return found


def onehot(topics: Sequence[str]) -> Floats:
    """(N, T): which of the topics, in alphabetical order, each text is of."""
    names = sorted(set(topics))
    place = {name: i for i, name in enumerate(names)}
    found: Floats = np.eye(len(names))[[place[topic] for topic in topics]]
    return found
