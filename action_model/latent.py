"""The joint latent model: which actions fail on the same tasks.

P(success of action a | x, z) = sigmoid(scale_a · logit(p_a(x)) + bias_a + theta_a · z), z ~ N(0, I_d): a factor model
on top of the marginal predictions p_a(x), trained on the marginal likelihood of *all* outcomes of a task together (item
response theory with covariates; IRT-Router, arXiv 2506.01048; marginal maximum likelihood, Bock & Aitkin 1981). The
integral over z is a fixed low-discrepancy set of particles (Sobol points through the normal quantile).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from action_model.features import Floats

PARTICLES = 256
MOST_BLOCKS = 16


@dataclass(frozen=True, slots=True)
class LatentConfig:
    """`dimensions` of z; strength of the pull of theta to 0 and of scale to 1; passes over the data; where."""

    dimensions: int = 6
    theta_penalty: float = 0.02
    scale_penalty: float = 0.05
    epochs: int = 60
    batch: int = 512
    rate: float = 0.03
    seed: int = 0
    device: Literal["cpu", "cuda"] = "cpu"


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
    """Fits on out-of-sample marginals and scores (N, M); NaN scores are left out. Deterministic on a processor."""
    import torch

    config = config or LatentConfig()
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)  # small products: more threads cost more than they bring, and order sums differently
    particles = sobol_normal(PARTICLES, config.dimensions)
    count, models = score.shape

    def placed(values: Any) -> Any:
        return torch.tensor(values, dtype=torch.float32, device=config.device)

    z, base = placed(particles), placed(logit(marginals))  # (S, d), (N, M)
    seen, target = placed(~np.isnan(score)), placed(np.nan_to_num(score))  # (N, M), (N, M)
    blocks = _blocks(seen.cpu())
    start = 0.5 * torch.randn(models, config.dimensions) / config.dimensions**0.5
    start[:, 0] += 0.7
    theta, bias, scale = (
        torch.nn.Parameter(placed(values.numpy())) for values in (start, torch.zeros(models), torch.ones(models))
    )
    optimiser = torch.optim.Adam([theta, bias, scale], lr=config.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.epochs)
    missed = (1 - target) * seen
    for _ in range(config.epochs):
        for rows, columns in _batches(blocks, config.batch):
            logits = (scale * base[rows] + bias)[:, columns][:, None, :] + (z @ theta[columns].T)[
                None, :, :
            ]  # (B, S, C)
            hit = (torch.nn.functional.logsigmoid(logits) * seen[rows][:, columns][:, None, :]).sum(dim=2)
            joint = hit - (missed[rows][:, columns][:, None, :] * logits).sum(dim=2)  # (B, S)
            evidence = torch.logsumexp(joint, dim=1) - np.log(PARTICLES)  # (B,)
            pull = config.theta_penalty * (theta**2).sum() + config.scale_penalty * ((scale - 1) ** 2).sum()
            loss = -evidence.mean() + pull / max(1, count // config.batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    fitted = [parameter.detach().cpu().numpy().astype(np.float64) for parameter in (theta, bias, scale)]
    return Latent(particles, *fitted)


def _blocks(seen: Any) -> list[tuple[Any, Any]]:
    """(rows, columns) of each table: its rows see its columns alone. One block of all where the patterns are many."""
    import torch

    patterns, group = torch.unique(seen > 0, dim=0, return_inverse=True)
    if len(patterns) > MOST_BLOCKS:
        return [(torch.arange(len(seen)), torch.arange(seen.shape[1]))]
    return [(torch.nonzero(group == g)[:, 0], torch.nonzero(columns)[:, 0]) for g, columns in enumerate(patterns)]


def _batches(blocks: list[tuple[Any, Any]], size: int) -> list[tuple[Any, Any]]:
    """Batches of one block each, in random order."""
    import torch

    found = [(rows[part], cols) for rows, cols in blocks for part in torch.randperm(len(rows)).split(size)]
    return [found[i] for i in torch.randperm(len(found)).tolist()]


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
    clipped = np.minimum(np.maximum(p, 0.005), 0.995)
    odds: Floats = np.log(clipped / (1.0 - clipped))
    return odds


def sigmoid(x: Floats) -> Floats:
    """The logistic function."""
    found: Floats = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(x, -40.0), 40.0)))
    return found


def log_likelihood(success: Floats, weights: Floats, score: Floats) -> float:
    """log P(all these outcomes) under particles with weights (S,), success (S, M) and scores (M,); NaN left out."""
    seen = ~np.isnan(score)
    p = np.clip(success[:, seen], 1e-6, 1 - 1e-6)
    logs = np.log(p) @ score[seen] + np.log1p(-p) @ (1.0 - score[seen])
    top = logs.max()
    return float(top + np.log(weights @ np.exp(logs - top)))
