"""The joint latent model: which actions fail on the same tasks.

P(success of action a | x, z) = sigmoid(scale_a · logit(p_a(x)) + bias_a + theta_a · z), z ~ N(0, I_d): a factor model
on top of the marginal predictions p_a(x), trained on the marginal likelihood of *all* outcomes of a task together (item
response theory with covariates; IRT-Router, arXiv 2506.01048; marginal maximum likelihood, Bock & Aitkin 1981). The
integral over z is a fixed low-discrepancy set of particles (Sobol points through the normal quantile).
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from action_model.features import Floats

PARTICLES = 256


@dataclass(frozen=True, slots=True)
class LatentConfig:
    """`dimensions` of z; strength of the pull of theta to 0 and of scale to 1; passes over the data."""

    dimensions: int = 6
    theta_penalty: float = 0.02
    scale_penalty: float = 0.05
    epochs: int = 60
    batch: int = 512
    rate: float = 0.03
    seed: int = 0


@dataclass(frozen=True)
class Latent:
    """`particles` (S, d); `theta` (M, d); `bias`, `scale` (M,)."""

    particles: Floats
    theta: Floats
    bias: Floats
    scale: Floats

    def success(self, marginal: Floats) -> Floats:
        """(S, M): chance of success of each action under each particle, for one task with marginals (M,)."""
        logits = self.scale * logit(marginal) + self.bias
        found: Floats = sigmoid(logits[None, :] + self.particles @ self.theta.T)
        return found


def fit_latent(marginals: Floats, score: Floats, config: LatentConfig | None = None) -> Latent:
    """Fits on out-of-sample marginals and scores (N, M); NaN scores are left out. CPU, deterministic."""
    import torch

    config = config or LatentConfig()
    torch.manual_seed(config.seed)
    particles = sobol_normal(PARTICLES, config.dimensions)
    count, models = score.shape
    z = torch.tensor(particles, dtype=torch.float32)  # (S, d)
    base = torch.tensor(logit(marginals), dtype=torch.float32)  # (N, M)
    seen = torch.tensor(~np.isnan(score), dtype=torch.float32)  # (N, M)
    target = torch.tensor(np.nan_to_num(score), dtype=torch.float32)  # (N, M)
    theta = torch.nn.Parameter(0.5 * torch.randn(models, config.dimensions) / config.dimensions**0.5)
    theta.data[:, 0] += 0.7
    bias, scale = torch.nn.Parameter(torch.zeros(models)), torch.nn.Parameter(torch.ones(models))
    optimiser = torch.optim.Adam([theta, bias, scale], lr=config.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.epochs)
    for _ in range(config.epochs):
        for rows in torch.randperm(count).split(config.batch):
            logits = (scale * base[rows] + bias)[:, None, :] + (z @ theta.T)[None, :, :]  # (B, S, M)
            hit = torch.nn.functional.logsigmoid(logits)
            loss_cell = target[rows][:, None, :] * hit + (1 - target[rows])[:, None, :] * (hit - logits)
            joint = (loss_cell * seen[rows][:, None, :]).sum(dim=2)  # (B, S)
            evidence = torch.logsumexp(joint, dim=1) - np.log(PARTICLES)  # (B,)
            pull = config.theta_penalty * (theta**2).sum() + config.scale_penalty * ((scale - 1) ** 2).sum()
            loss = -evidence.mean() + pull / max(1, count // config.batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    fitted = [parameter.detach().numpy().astype(np.float64) for parameter in (theta, bias, scale)]
    return Latent(particles, *fitted)


def sobol_normal(count: int, dimensions: int) -> Floats:
    """(count, dimensions): Sobol points through the normal quantile; mean 0 in every dimension."""
    from torch.quasirandom import SobolEngine

    engine = SobolEngine(dimensions, scramble=True, seed=7)
    points = engine.draw(count).double().numpy()
    inverse = NormalDist().inv_cdf
    normal = np.array([[inverse(min(max(value, 1e-6), 1 - 1e-6)) for value in row] for row in points])
    centred: Floats = (normal - normal.mean(axis=0)) / normal.std(axis=0)
    return centred


def logit(p: Floats) -> Floats:
    """Log odds, clipped away from certainty."""
    clipped = np.clip(p, 0.005, 0.995)
    odds: Floats = np.log(clipped / (1.0 - clipped))
    return odds


def sigmoid(x: Floats) -> Floats:
    """The logistic function."""
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0)))
    return found


def log_likelihood(success: Floats, weights: Floats, score: Floats) -> float:
    """log P(all these outcomes) under particles with weights (S,), success (S, M) and scores (M,); NaN left out."""
    seen = ~np.isnan(score)
    p = np.clip(success[:, seen], 1e-6, 1 - 1e-6)
    logs = np.log(p) @ score[seen] + np.log1p(-p) @ (1.0 - score[seen])
    top = logs.max()
    return float(top + np.log(weights @ np.exp(logs - top)))
