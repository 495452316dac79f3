"""A new model joins a checkpoint: only its own numbers are fitted, everything else stays bit for bit as it was.

`next_questions` says which tasks to label (ask the model, check the answer), `onboard` takes what came of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from action_model.features import Floats, featurize
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.newcomer import (
    Coefficients,
    attenuation_of,
    family_of,
    fit_coefficients,
    most_telling,
    prior_of,
)
from action_model.prior import PriorConfig
from action_model.sizes import parameters_of

TOKEN_LABELS = 4.0
"""Answers that the prior of a model's length counts for."""
THETA_PULL = 4.0
THETA_STEPS = 60
THETA_RATE = 0.05


@dataclass(frozen=True)
class Newcomer:
    """A model to be learnt: its family's name (as offers say it), dollars a call if they are known, and its size
    where the name does not say it."""

    name: str
    usd_per_call: float | None = None
    parameters_billions: float | None = None


@dataclass(frozen=True)
class Label:
    """What came of one task: the text as `Facts.text` has it, the score in [0, 1], and what known models scored on it
    (by the checkpoint's names, "table:model"), if that is known. `requirements` counts the task's own: what they take
    away is not the model's."""

    text: str
    score: float
    output_tokens: float | None = None
    others: Mapping[str, float] = field(default_factory=dict)
    requirements: int = 0


def onboard(learnt: Learnt, newcomer: Newcomer, labels: Sequence[Label]) -> Learnt:
    """The checkpoint with this model in it. Without labels it gets its stated prior. Seconds on a CPU."""
    x = _projected(learnt, [label.text for label in labels])
    demand = learnt.demand(learnt.logits_at(x))
    score = np.array([label.score for label in labels])
    theta = theta_prior(learnt, newcomer.name)
    hard = PriorConfig().logit_per_requirement * np.array([float(label.requirements) for label in labels])
    known = _fit(learnt, newcomer, demand, (score, hard), theta)
    if any(label.others for label in labels):
        theta = _fit_theta(learnt, labels, known.logits(demand) - hard, theta)
        known = _fit(learnt, newcomer, demand, (score, hard), theta)
    tokens = np.array([np.nan if label.output_tokens is None else label.output_tokens for label in labels])
    longer, spread = _lengths(learnt, x, tokens)
    parts = (known.mean[0], known.mean[1:], theta, longer, spread, float(len(labels)))
    return replace(learnt, joined=learnt.joined.plus(newcomer.name, tuple(np.asarray(part) for part in parts)))


def next_questions(
    learnt: Learnt, newcomer: Newcomer, texts: Sequence[str], answered: Mapping[int, float], count: int
) -> list[int]:
    """Which of the tasks to label next: see `most_telling`. `answered` are the scores of those already labelled."""
    demand = learnt.demand(learnt.logits_at(_projected(learnt, texts)))
    return next_among(learnt, newcomer, demand, answered, count)


def next_among(
    learnt: Learnt, newcomer: Newcomer, demand: Floats, answered: Mapping[int, float], count: int
) -> list[int]:
    """The same of tasks whose demand (N, k) is known."""
    theta = theta_prior(learnt, newcomer.name)
    done = sorted(answered)
    score = np.array([answered[i] for i in done])
    known = _fit(learnt, newcomer, demand[done], (score, np.zeros(len(done))), theta)
    free = [i for i in range(len(demand)) if i not in answered]
    return most_telling(known, demand, count, attenuation_of(theta), free)


def theta_prior(learnt: Learnt, name: str) -> Floats:
    """The mean theta of the family, pulled to that of all."""
    mean = learnt.latent.theta.mean(axis=0)
    family = family_of(name)
    rows = [i for i, known in enumerate(learnt.models) if family_of(known.split(":", 1)[1]) == family]
    total = mean * 2.0 + learnt.latent.theta[rows].sum(axis=0)
    found: Floats = total / (2.0 + len(rows))
    return found


def _projected(learnt: Learnt, texts: Sequence[str]) -> Floats:
    return learnt.projection(featurize(texts))


def _fit(
    learnt: Learnt, newcomer: Newcomer, demand: Floats, told: tuple[Floats, Floats], theta: Floats
) -> Coefficients:
    """`told`: the scores (n,), and what requirements took away from each task (n,)."""
    score, hard = told
    usd = newcomer.usd_per_call
    size = newcomer.parameters_billions or parameters_of(newcomer.name)
    prior = prior_of(learnt, newcomer.name, None if not usd else float(np.log10(usd)), size)
    return fit_coefficients(prior, demand, score, attenuation_of(theta), hard)


def _fit_theta(learnt: Learnt, labels: Sequence[Label], logits: Floats, start: Floats) -> Floats:
    """Ascends Σ_i log Σ_s w_is P(y_i | logit_i + θ·z_s) - pull |θ - θ0|² / 2: the w_is are what the known models'
    outcomes on task i say of its z (marginal likelihood, Bock & Aitkin 1981)."""
    z = learnt.latent.particles  # (S, d)
    weights = np.stack([_posterior(learnt, label) for label in labels])  # (n, S)
    score = np.array([label.score for label in labels])[:, None]
    theta = start.copy()
    for _ in range(THETA_STEPS):
        p = sigmoid(logits[:, None] + (z @ theta)[None, :])  # (n, S)
        joint = weights * (score * p + (1 - score) * (1 - p))
        joint /= joint.sum(axis=1, keepdims=True)
        gradient = (joint * (score - p)).sum(axis=0) @ z - THETA_PULL * (theta - start)
        theta = theta + THETA_RATE * gradient / (1.0 + THETA_RATE * len(labels))
    return theta


def _posterior(learnt: Learnt, label: Label) -> Floats:
    """(S,) weights of the particles after the known models' outcomes on the label's task."""
    columns = [i for i, name in enumerate(learnt.models) if name in label.others]
    count = len(learnt.latent.particles)
    if not columns:
        return np.full(count, 1.0 / count)
    logits = learnt.logits_at(_projected(learnt, [label.text]))[0, columns]
    score = np.array([label.others[learnt.models[i]] for i in columns])
    p = np.clip(sigmoid(logits[None, :] + learnt.latent.particles @ learnt.latent.theta[columns].T), 1e-6, 1 - 1e-6)
    logs = np.log(p) @ score + np.log1p(-p) @ (1.0 - score)
    weights = np.exp(logs - logs.max())
    found: Floats = weights / weights.sum()
    return found


def _lengths(learnt: Learnt, x: Floats, tokens: Floats) -> tuple[float, float]:
    """How far log output tokens lie above the known models' mean, and their spread."""
    seen = ~np.isnan(tokens)
    off = np.log(np.maximum(tokens[seen], 1.0)) - learnt.log_tokens.predict(x[seen]).mean(axis=1)
    return shrunk_lengths(learnt, off)


def shrunk_lengths(learnt: Learnt, off: Floats) -> tuple[float, float]:
    """Mean and spread of how far log output tokens lie above the known models' mean, after some answers (n,)."""
    usual, count = float(np.median(learnt.token_spread)), float(len(off))
    if not count:
        return 0.0, usual
    mean = float(off.sum()) / (count + TOKEN_LABELS)
    variance = (float(((off - mean) ** 2).sum()) + TOKEN_LABELS * usual**2) / (count + TOKEN_LABELS)
    return mean, float(np.sqrt(variance))
