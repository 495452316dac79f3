"""What was learnt from outcome tables: a projection, one mixture per table, and one latent model over all models."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from action_model.demand import Demand
from action_model.features import Floats
from action_model.latent import Latent, logit
from action_model.mixture import Mixture
from action_model.projection import Projection
from action_model.ridge import Ridge


@dataclass(frozen=True)
class Joined:
    """Models learnt one by one after the others were fitted, J of them, each by its family's name.

    logit = `bias` (J,) + `loadings` (J, k) · demand; `theta` (J, d); `log_tokens` (J,) is how far the logarithm of
    output tokens lies above the known models' mean, `token_spread` (J,) around that; `labels` (J,) counts what each was
    learnt from.
    """

    names: tuple[str, ...]
    bias: Floats
    loadings: Floats
    theta: Floats
    log_tokens: Floats
    token_spread: Floats
    labels: Floats

    def without(self, name: str) -> "Joined":
        """The same without one model."""
        kept = [i for i, known in enumerate(self.names) if known != name]
        return Joined(tuple(self.names[i] for i in kept), *(part[kept] for part in self.parts()))

    def plus(self, name: str, parts: tuple[Floats, ...]) -> "Joined":
        """With one model more, its parts in the order of `parts()`; it replaces one of the same name."""
        rest = self.without(name)
        joined = (np.concatenate([old, new[None]]) for old, new in zip(rest.parts(), parts, strict=True))
        return Joined((*rest.names, name), *joined)

    def parts(self) -> tuple[Floats, ...]:
        """The arrays, in the order of the fields."""
        return self.bias, self.loadings, self.theta, self.log_tokens, self.token_spread, self.labels


def nobody(demands: int, dimensions: int) -> Joined:
    """No model has joined yet."""
    none = np.zeros(0)
    return Joined((), none, np.zeros((0, demands)), np.zeros((0, dimensions)), none, none, none)


@dataclass(frozen=True)
class Paces:
    """How long calls take: `ridge` predicts the logarithm of seconds (N, L) of the models in `columns`, with `spread`
    (L,) around it and `high` (L,) its 0.9 quantile above what is predicted."""

    columns: tuple[int, ...]
    ridge: Ridge
    spread: Floats
    high: Floats


@dataclass(frozen=True)
class Learnt:
    """`models` are the names in the order of every (…, M) array; `tables` maps a table to the columns it speaks of.

    `log_price` (M,) is log10 of each model's mean dollars a call (NaN unknown); `log_tokens` predicts the logarithm of
    output tokens (N, M) with `token_spread` (M,) around it, `token_high` (M,) its 0.9 quantile above what is predicted.
    `concentration` is that of repeats of one action on one task (Beta-binomial). `demand` and `joined` place new
    models. `requirement_counts` predict, by table, how many requirements a task of such a text had (N, 1), where tasks
    had any: what they took away is in that table's marginals. `paces` are of the models whose seconds are known; None:
    of none.
    """

    models: tuple[str, ...]
    projection: Projection
    mixtures: Mapping[str, Mixture]
    tables: Mapping[str, tuple[int, ...]]
    latent: Latent
    log_price: Floats
    log_tokens: Ridge
    token_spread: Floats
    token_high: Floats
    concentration: float
    demand: Demand
    joined: Joined
    requirement_counts: Mapping[str, Ridge] = field(default_factory=dict)
    paces: Paces | None = None

    def requirements_at(self, x: Floats) -> Floats:
        """(M,): how many requirements tasks of this text (projected, (d,)) had in the table of each model."""
        found = np.zeros(len(self.models))
        for table, counts in self.requirement_counts.items():
            told = float((counts.mean + (x - counts.center) @ counts.weights)[0])
            found[list(self.tables[table])] = max(told, 0.0)
        return found

    def marginals(self, features: Floats) -> Floats:
        """(N, M): each model's chance of success on each text, from its own table's mixture."""
        return self.marginals_at(self.projection(features))

    def marginals_at(self, x: Floats) -> Floats:
        """The same from projected features (N, d)."""
        found = np.full((len(x), len(self.models)), np.nan)
        for table, mixture in self.mixtures.items():
            found[:, list(self.tables[table])] = mixture.predict(x)
        return found

    def logits(self, features: Floats) -> Floats:
        """(N, M): log odds at z = 0, as the latent model corrects them."""
        return self.logits_at(self.projection(features))

    def logits_at(self, x: Floats) -> Floats:
        """The same from projected features (N, d)."""
        found: Floats = self.latent.scale * logit(self.marginals_at(x)) + self.latent.bias
        return found
