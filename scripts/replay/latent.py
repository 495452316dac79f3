"""Beliefs for the replay by the action model that ships: the mixture's marginals under the joint latent model."""

from dataclasses import dataclass

import numpy as np

from action_model.actions import Action
from action_model.belief import Belief, Estimate
from action_model.calibrated import fit_joint
from action_model.evaluate import predict_usd
from action_model.features import featurize
from action_model.latent import Latent
from action_model.mixture import fit_mixture
from action_model.topics import telling_projection
from action_model.train import out_of_fold
from scripts.replay.beliefs import SAME_ANSWER
from scripts.replay.tables import Floats, Table

HIGH = 1.6
"""The 0.9 quantile of a call's cost and time over its mean, as seen on the train splits."""


@dataclass(frozen=True)
class LatentBeliefs:
    """Beliefs of the train prompts (by models that have not seen them) and of the test prompts."""

    train: list[Belief]
    test: list[Belief]


def latent_beliefs(train: Table, test: Table) -> LatentBeliefs:
    """Fits on the train prompts alone."""
    features, z = featurize(train.grid.prompts), featurize(test.grid.prompts)
    projection = telling_projection([features], [train.grid.categories])
    seen = out_of_fold(projection, features, train.grid)
    x, z = projection(features), projection(z)
    latent = fit_joint(seen, train.passed)
    unseen = fit_mixture(x, train.grid.score, train.grid.categories).predict(z)
    usd = predict_usd(train.grid, x, z), predict_usd(train.grid, x, x)
    seconds = train.seconds.mean(axis=0)
    return LatentBeliefs(
        [_belief(train, latent, row, cost, seconds) for row, cost in zip(seen, usd[1], strict=True)],
        [_belief(train, latent, row, cost, seconds) for row, cost in zip(unseen, usd[0], strict=True)],
    )


def _belief(train: Table, latent: Latent, marginal: Floats, usd: Floats, seconds: Floats) -> Belief:
    success = latent.success(marginal)
    particles, count = success.shape
    means, spread = success.mean(axis=0), success.std(axis=0)
    estimates = tuple(
        Estimate(
            action=Action(f"table/{model}"),
            success=float(means[a]),
            score=float(means[a]),
            input_tokens=0.0,
            output_tokens=0.0,
            output_tokens_high=0.0,
            usd=float(usd[a]),
            usd_high=HIGH * float(usd[a]),
            seconds=float(seconds[a]),
            seconds_high=HIGH * float(seconds[a]),
            uncertainty=float(spread[a]),
        )
        for a, model in enumerate(train.models)
    )
    zeros = np.zeros(count)
    return Belief(estimates, np.full(particles, 1.0 / particles), success, np.full(count, SAME_ANSWER), zeros, zeros)
