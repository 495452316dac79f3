"""What was learnt from outcome tables: a projection, one mixture per table, and one latent model over all models."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from action_model.features import Floats
from action_model.latent import Latent, logit
from action_model.mixture import Mixture
from action_model.projection import Projection
from action_model.ridge import Ridge


@dataclass(frozen=True)
class Learnt:
    """`models` are the names in the order of every (…, M) array; `tables` maps a table to the columns it speaks of.

    `log_price` (M,) is log10 of each model's mean dollars a call (NaN unknown); `log_tokens` predicts the logarithm of
    output tokens (N, M) with `token_spread` (M,) around it.
    """

    models: tuple[str, ...]
    projection: Projection
    mixtures: Mapping[str, Mixture]
    tables: Mapping[str, tuple[int, ...]]
    latent: Latent
    log_price: Floats
    log_tokens: Ridge
    token_spread: Floats

    def marginals(self, features: Floats) -> Floats:
        """(N, M): each model's chance of success on each text, from its own table's mixture."""
        x = self.projection(features)
        found = np.full((len(x), len(self.models)), np.nan)
        for table, mixture in self.mixtures.items():
            found[:, list(self.tables[table])] = mixture.predict(x)
        return found

    def logits(self, features: Floats) -> Floats:
        """(N, M): log odds at z = 0, as the latent model corrects them."""
        found: Floats = self.latent.scale * logit(self.marginals(features)) + self.latent.bias
        return found
