"""How models that nobody measured are placed: the numbers of the stated prior, fitted on outcome tables.

P(success) = sigmoid(attenuation × (c · v + ½ difficulty of the text)), where v says: is the size unknown, then the
logarithm of the price; is it known, then that of the size. The four numbers c are those of `PriorConfig`, by maximum
likelihood with a weak pull to its own, every model of a table counting the same (logistic regression).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from action_model.features import Floats, featurize
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.outcomes import Grid
from action_model.prior import PriorConfig, ability_logit
from action_model.sizes import parameters_of

COUNTS_AS = 20.0
"""Tasks that a model's answers in one table count for: they are alike in what they say of its ability."""
PULL = 2.0
MOST_DIFFICULTY = 1.5
STEPS = 30


@dataclass(frozen=True)
class Placed:
    """A model in a table: its price, its size where its name says it, and on each of some texts (N,) what it scored
    and how much easier the text is than usual, in logits."""

    table: str
    model: str
    usd_per_mtok: float
    parameters_billions: float | None
    score: Floats
    easier: Floats

    @property
    def identity(self) -> str:
        """The same for one model in several tables and at several hosts."""
        bare = re.sub(r"@.*|.*/", "", self.model.lower()).replace("_", ".")
        return bare.removeprefix("meta-")


def placed_models(learnt: Learnt, table: str, grid: Grid) -> list[Placed]:
    """Every model of a table; `easier` is what the checkpoint says of the texts."""
    logits = learnt.logits(featurize(grid.prompts)).mean(axis=1) - float(np.median(learnt.latent.bias))
    easier = 0.5 * np.clip(logits, -MOST_DIFFICULTY, MOST_DIFFICULTY)
    found = []
    for j, model in enumerate(grid.models):
        tokens = float(np.mean(grid.input_tokens)) + float(np.nan_to_num(grid.output_tokens[:, j]).mean())
        usd = 1e6 * float(grid.usd[:, j].mean()) / max(tokens, 1.0)
        found.append(Placed(table, model, usd, parameters_of(model), grid.score[:, j], easier))
    return found


def chances(config: PriorConfig, one: Placed, attenuation: float) -> Floats:
    """(N,): what is predicted of a model that nobody measured."""
    ability = ability_logit(config, one.usd_per_mtok, one.parameters_billions)
    return sigmoid(attenuation * (ability + one.easier))


def fit_placing(models: Sequence[Placed], attenuation: float, start: PriorConfig) -> tuple[float, float, float, float]:
    """`base_logit`, `logit_per_decade`, `sized_logit`, `logit_per_size_decade`, by Newton steps."""
    pulled = np.array([start.base_logit, start.logit_per_decade, start.sized_logit, start.logit_per_size_decade])
    told = [(_features(one), one) for one in models]
    at = pulled.copy()
    for _ in range(STEPS):
        gradient, hessian = -PULL * (at - pulled), PULL * np.eye(len(at))
        for row, one in told:
            p = sigmoid(attenuation * (row @ at + one.easier))
            weight = COUNTS_AS / len(p)
            gradient += weight * attenuation * row * float((one.score - p).sum())
            hessian += weight * attenuation**2 * np.outer(row, row) * float((p * (1 - p)).sum())
        step = np.linalg.solve(hessian, gradient)
        at = at + step
        if float(np.abs(step).max()) < 1e-9:
            break
    base, per_decade, sized, per_size = at.tolist()
    return base, per_decade, sized, per_size


def _features(one: Placed) -> Floats:
    """(4,): `ability_logit` is linear in its four numbers; what it says of each alone is that number's factor."""
    none = replace(PriorConfig(), base_logit=0.0, logit_per_decade=0.0, sized_logit=0.0, logit_per_size_decade=0.0)
    alone = (
        replace(none, base_logit=1.0),
        replace(none, logit_per_decade=1.0),
        replace(none, sized_logit=1.0),
        replace(none, logit_per_size_decade=1.0),
    )
    return np.array([ability_logit(config, one.usd_per_mtok, one.parameters_billions) for config in alone])
