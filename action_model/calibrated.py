"""Scale and bias of each action, once more, so that what is served is calibrated.

What is fitted on the outcomes of a task together trades each action's own chance for how actions hang together: the
mean over z of P(a succeeds | z) may then lie off. With theta as it is, scale and bias are fitted again on each action's
own outcomes (Platt 1999, with z integrated out over the same particles as in serving).
"""

from dataclasses import replace

import numpy as np

from action_model.features import Floats
from action_model.latent import Latent, LatentConfig, fit_latent, logit, sigmoid
from action_model.reach import reached

REACH, STEP = 16.0, 0.01
PULL = 5.0
"""Of scale and bias to what they were, in outcomes."""
STEPS = 25
CLOSE = 1e-9


def fit_joint(marginals: Floats, score: Floats, config: LatentConfig | None = None) -> Latent:
    """The joint latent model, calibrated: on out-of-sample marginals and scores (N, M); NaN scores are left out."""
    fitted = fit_latent(marginals, score, config)
    return reached(fitted, marginals, score, lambda latent: calibrated(latent, marginals, score))


def calibrated(latent: Latent, marginals: Floats, score: Floats) -> Latent:
    """The latent model with scale and bias that predict the scores (N, M) of marginals not fitted on; NaN left out."""
    scale, bias = latent.scale.copy(), latent.bias.copy()
    for j in range(score.shape[1]):
        seen = ~np.isnan(score[:, j])
        start = np.array([scale[j], bias[j]])
        shifts = latent.particles @ latent.theta[j]
        scale[j], bias[j] = _fit(start, shifts, logit(marginals[seen, j]), score[seen, j])
    return replace(latent, scale=scale, bias=bias)


def _fit(start: Floats, shifts: Floats, base: Floats, score: Floats) -> tuple[float, float]:
    """Fisher scoring on the likelihood of score (n,), each with chance mean_s sigmoid(a base + b + s)."""
    grid = np.arange(-REACH, REACH + STEP, STEP)
    under = sigmoid(grid[:, None] + shifts[None, :])  # (G, S)
    chance, slope = under.mean(axis=1), (under * (1.0 - under)).mean(axis=1)
    phi = np.stack([base, np.ones_like(base)], axis=1)  # (n, 2)
    at = start.copy()
    for _ in range(STEPS):
        u = np.clip(phi @ at, -REACH, REACH)
        p = np.clip(np.interp(u, grid, chance), 1e-6, 1 - 1e-6)
        steep = np.interp(u, grid, slope)
        weight = steep / (p * (1.0 - p))
        gradient = phi.T @ (weight * (score - p)) - PULL * (at - start)
        hessian = (phi * (weight * steep)[:, None]).T @ phi + PULL * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        at = at + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < CLOSE:
            break
    return float(at[0]), float(at[1])
