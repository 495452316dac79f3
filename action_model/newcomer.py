"""A model that is learnt from few labelled tasks: a bias and loadings on what a text demands, and nothing else.

A new model is a draw from the population of the known ones: the prior of its coefficients is the known models' mean and
covariance, moved towards its family and, for the bias, by its price (empirical Bayes: Efron & Morris 1973; UniRoute,
arXiv 2502.08773, places new models by their outcomes on labelled prompts in the same spirit). The fit is Bayesian
logistic regression by Newton steps, its posterior the Laplace approximation (MacKay 1992).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from action_model.features import Floats
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.prior import PriorConfig
from action_model.sizes import parameters_of

PLACED_AT = 0.824
"""`attenuation_of` the theta for which the numbers that place unmeasured models (`PriorConfig`) were fitted; what they
predict stays the same under another theta."""
FAMILY_PULL = 2.0
"""A family's mean counts its members against so many of the whole population."""
FAMILY_SHARE = 0.7
"""With family, the prior's variance is smaller: relatives are alike."""
OWN_VARIANCE, OWN_LOADING_VARIANCE = 0.05, 0.01
"""Added to the population's covariance of the bias, and of each loading: a new model may differ in ways that no known
one does. Five times as much for a loading cost a fortieth of the AUC at 128 labels on mmlu_pro."""
LOADING_SHARE = 0.25
"""Of the known models' covariance of loadings that is believed of a new one: a dozen models say little of it."""
TELLING_POOL = 64
"""At least so many free tasks, drawn at random, are compared at each choice."""
MOST_SLOPE = 1.5
STEPS = 40


@dataclass(frozen=True)
class Coefficients:
    """Normal over (bias, loadings): `mean` (k + 1,), `covariance` (k + 1, k + 1)."""

    mean: Floats
    covariance: Floats

    def logits(self, demand: Floats) -> Floats:
        """(N,) at the mean."""
        found: Floats = self.mean[0] + demand @ self.mean[1:]
        return found


def family_of(name: str) -> str:
    """The word that a model's relatives share: "gpt", "claude", "llama"."""
    bare = name.lower().rsplit("/", 1)[-1]
    bare = bare.removeprefix("meta-")
    found = re.search(r"[a-z]+", bare)
    return found[0] if found else bare


def prior_of(
    learnt: Learnt, name: str, log_price: float | None = None, parameters_billions: float | None = None
) -> Coefficients:
    """The stated prior of a model without any labels: population, family, and its size, else its price (log10 of
    dollars a call). Where size is known, relatives say nothing more of the bias (`maestro bench prior`)."""
    rows = np.concatenate([learnt.demand.center[:, None], learnt.demand.loadings], axis=1)  # (M, k + 1)
    relatives = [i for i, known in enumerate(learnt.models) if family_of(known.split(":", 1)[1]) == family_of(name)]
    mean = rows.mean(axis=0)
    centred = rows - mean
    covariance = centred.T @ centred / len(rows)
    covariance += np.diag(np.diag(covariance)) * (rows.shape[1] / len(rows))  # few models say little of covariances
    believed = np.array([1.0, *np.full(len(mean) - 1, LOADING_SHARE**0.5)])
    covariance = believed[:, None] * covariance * believed[None, :]
    covariance += np.diag([OWN_VARIANCE, *np.full(len(mean) - 1, OWN_LOADING_VARIANCE)])
    if relatives:
        share = len(relatives) / (len(relatives) + FAMILY_PULL)
        mean = (1 - share) * mean + share * rows[relatives].mean(axis=0)
        covariance = covariance * (1.0 - share * (1.0 - FAMILY_SHARE))
    sized = None if parameters_billions is None else _bias_by_size(learnt, parameters_billions)
    if sized is not None:
        mean[0] = sized
    elif log_price is not None:
        near = relatives or list(range(len(rows)))
        known = learnt.log_price[near][np.isfinite(learnt.log_price[near])]
        if len(known):
            mean[0] += _price_slope(learnt) * float(np.clip(log_price - known.mean(), -2.0, 2.0))
    return Coefficients(mean, covariance)


def fit_coefficients(
    prior: Coefficients,
    demand: Floats,
    score: Floats,
    attenuation: Floats | float,
    hard: Floats | float = 0.0,
    weight: Floats | float = 1.0,
) -> Coefficients:
    """The posterior after scores (n,) in [0, 1] of tasks with `demand` (n, k).

    P(success | x) = sigmoid(attenuation × (bias + loadings · u - hard)): z is integrated out (MacKay 1992, eq. 30);
    `hard` (n,) is what a task's requirements take away, in logits; `weight` (n,) counts a row more than once or less.
    """
    precision = np.linalg.inv(prior.covariance)
    if not len(score):
        return prior
    slope = np.broadcast_to(attenuation, (len(score),))
    phi = slope[:, None] * np.concatenate([np.ones((len(demand), 1)), demand], axis=1)
    at = prior.mean.copy()
    hessian = precision
    for _ in range(STEPS):
        p = sigmoid(phi @ at - slope * hard)
        gradient = phi.T @ (weight * (score - p)) - precision @ (at - prior.mean)
        hessian = precision + (phi * (weight * p * (1 - p))[:, None]).T @ phi
        step = np.linalg.solve(hessian, gradient)
        at = at + step / max(1.0, float(np.abs(step).max()) / 2.0)
        if float(np.abs(step).max()) < 1e-8:
            break
    return Coefficients(at, np.linalg.inv(hessian))


def most_telling(known: Coefficients, demand: Floats, count: int, attenuation: float, free: Sequence[int]) -> list[int]:
    """Which of the tasks `free` to label next: one half greedily those whose label tells most of the *predictions* for
    all tasks, the other at random. The same question, the same choice.

    A label of task i takes w_i φ_i' Σ M Σ φ_i / (1 + w_i φ_i' Σ φ_i) off the summed variance of the chances, where w is
    p (1 - p) and M the mean of w² φ φ' over all tasks (Cohn, Ghahramani & Jordan 1996). The information on the
    coefficients themselves (MacKay 1992) chooses tasks at the edges, which tell little of ordinary ones: it was worse
    than random choice. So each choice is among some free tasks, drawn at random; Σ shrinks with each.
    """
    phi = attenuation * np.concatenate([np.ones((len(demand), 1)), demand], axis=1)
    p = sigmoid(phi @ known.mean)
    weight = p * (1 - p)
    moment = (phi * (weight**2)[:, None]).T @ phi / max(len(phi), 1)
    covariance = known.covariance.copy()
    some = np.random.default_rng(len(free)).permutation(np.array(free, dtype=np.intp))[: max(TELLING_POOL, 4 * count)]
    left = np.zeros(len(demand), dtype=bool)
    left[some] = True
    chosen: list[int] = []
    for place in range(min(count, len(some))):
        along = phi @ covariance
        taken = weight * np.einsum("nk,kl,nl->n", along, moment, along)
        gain = taken / (1.0 + weight * np.einsum("nk,nk->n", along, phi))
        is_random = place >= (count + 1) // 2
        best = int(some[left[some]][0]) if is_random else int(np.where(left, gain, -np.inf).argmax())
        chosen.append(best)
        left[best] = False
        direction = covariance @ phi[best]
        shrunk = weight[best] / (1.0 + weight[best] * float(phi[best] @ direction))
        covariance -= shrunk * np.outer(direction, direction)
    return chosen


def attenuation_of(theta: Floats) -> float:
    """What integrating over z does to a logit: 1 / sqrt(1 + π |θ|² / 8) (MacKay 1992)."""
    return float(1.0 / np.sqrt(1.0 + np.pi * float(theta @ theta) / 8.0))


def _bias_by_size(learnt: Learnt, parameters_billions: float) -> float | None:
    """The mean bias of the known models whose size is known, moved along the line of size; None: there are none."""
    config = PriorConfig()
    sizes = [(parameters_of(known), bias) for known, bias in zip(learnt.models, learnt.demand.center, strict=True)]
    at = [bias - config.logit_per_size_decade * math.log10(size) for size, bias in sizes if size is not None]
    if not at:
        return None
    return float(np.mean(at)) + config.logit_per_size_decade * math.log10(parameters_billions)


def _price_slope(learnt: Learnt) -> float:
    """Logits per tenfold price, within tables; never negative."""
    top = bottom = 0.0
    for columns in learnt.tables.values():
        price, bias = learnt.log_price[list(columns)], learnt.demand.center[list(columns)]
        seen = np.isfinite(price)
        if seen.sum() > 1:
            off = price[seen] - price[seen].mean()
            top += float(off @ (bias[seen] - bias[seen].mean()))
            bottom += float(off @ off)
    return min(max(top / (bottom + 1.0), 0.0), MOST_SLOPE)
