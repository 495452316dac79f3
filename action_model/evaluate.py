"""`maestro evaluate`: baselines and our predictor on outcome tables, in one table of figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from action_model.baselines import BASELINES
from action_model.calibrated import fit_joint
from action_model.features import Floats, featurize
from action_model.frontier import LAMBDAS, aiq, cost_at_share, policy_points, single_points
from action_model.latent import PARTICLES, Latent, log_likelihood
from action_model.metrics import auc, brier, calibration_error, interval
from action_model.mixture import fit_mixture
from action_model.offline.sequential import sequential_figures
from action_model.outcomes import Grid
from action_model.ridge import fit_ridge
from action_model.topics import telling_projection
from action_model.train import fit_tokens, out_of_fold

COST_PENALTY = 3.0
SEEN_FIRST = 2


@dataclass(frozen=True)
class Predicted:
    """Scores (N, M) that one estimator predicts for the test prompts, and dollars (N, M) common to all."""

    name: str
    score: Floats
    usd: Floats


@dataclass(frozen=True)
class Evaluated:
    """`figures` of one benchmark; what "ours" and the checkpoint in use, if any, predict (N, M) of its test prompts."""

    figures: dict[str, Any]
    ours: Floats
    in_use: Floats | None


def evaluate_grid(train: Grid, test: Grid, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Every figure of one benchmark: per estimator AIQ with its interval, cost at 95 and 100 %, Brier, AUC, ECE."""
    return evaluate_with(train, test, None, tell).figures


def evaluate_with(
    train: Grid, test: Grid, in_use: Floats | None, tell: Callable[[str], None] = lambda _: None
) -> Evaluated:
    """The same beside what the checkpoint in use predicts (N, M) of the test prompts."""
    x, z = featurize(train.prompts), featurize(test.prompts)
    projection = telling_projection([x], [train.categories])
    px, pz = projection(x), projection(z)
    usd = predict_usd(train, px, pz)
    figures: dict[str, Any] = {}
    for name, predictor in BASELINES.items():
        tell(name)
        score = predictor(train, x, test, z)
        figures[name] = figures_of(test, Predicted(name, score, usd))
    tell("ours")
    marginal = fit_mixture(px, train.score, train.categories).predict(pz)
    latent = fit_joint(out_of_fold(projection, x, train), train.score)
    chances = np.array([latent.success(row).mean(axis=0) for row in marginal])
    figures["ours"] = figures_of(test, Predicted("ours", chances, usd))
    if in_use is not None:
        figures["in_use"] = figures_of(test, Predicted("in_use", in_use, usd))
    figures["oracle"] = {"aiq": aiq(policy_points(test, test.score, test.usd), single_points(test))}
    found = {
        "prompts": {"train": len(train.prompts), "test": len(test.prompts)},
        "models": list(train.models),
        "hull": aiq(single_points(test), single_points(test)),
        "best_single_score": float(test.score.mean(axis=0).max()),
        "estimators": figures,
        "joint": joint_figures(latent, marginal, test),
        "sequential": sequential_figures(latent, marginal, usd, test),
        "output_tokens": covered(train.output_tokens, test.output_tokens, px, pz),
        "seconds": covered(1e3 * train.seconds, 1e3 * test.seconds, px, pz),
    }
    return Evaluated(found, chances, in_use)


def covered(train: Floats, test: Floats, x: Floats, z: Floats) -> dict[str, float]:
    """Which share of held-out calls the predicted 0.9 quantile covers; nothing where the table does not say."""
    seen = ~np.isnan(test)
    if np.isnan(train).all() or not seen.any():
        return {}
    ridge, _, high = fit_tokens(x, train)
    within = np.log(np.maximum(test, 1.0)) <= ridge.predict(z) + high
    return {"p90_covers": float(within[seen].mean()), "calls": float(seen.sum())}


def predict_usd(train: Grid, x: Floats, z: Floats) -> Floats:
    """Expected dollars (N, M): ridge on the logarithm of cost, corrected to the mean by its residuals' spread."""
    logs = np.log(np.maximum(train.usd, 1e-9))
    ridge = fit_ridge(x, logs, COST_PENALTY * 3)
    spread = np.minimum((logs - ridge.predict(x)).var(axis=0), 2.0)
    found: Floats = np.exp(ridge.predict(z) + spread / 2.0)
    return found


def figures_of(test: Grid, predicted: Predicted) -> dict[str, Any]:
    """AIQ and the other figures of one estimator."""
    singles = single_points(test)
    points = policy_points(test, predicted.score, predicted.usd)
    picked = _picks(test, predicted)

    def resampled(rows: Any) -> float:
        points = np.stack([picked[0][:, rows].mean(axis=1), picked[1][:, rows].mean(axis=1)], axis=1)
        alone = np.stack([test.usd[rows].mean(axis=0), test.score[rows].mean(axis=0)], axis=1)
        return aiq(points, alone)

    return {
        "aiq": aiq(points, singles),
        "aiq_interval": interval(resampled, len(test.prompts)),
        "cost_at_95_percent": cost_at_share(points, singles, 0.95),
        "cost_at_100_percent": cost_at_share(points, singles, 1.0),
        "brier": brier(predicted.score, test.score),
        "auc": auc(predicted.score, test.score),
        "calibration_error": calibration_error(predicted.score, test.score),
    }


def _picks(test: Grid, predicted: Predicted) -> tuple[Floats, Floats]:
    """(LAMBDAS, N) cost and score of what is chosen at each lambda."""
    spread = float(np.median(predicted.usd.max(axis=1) - predicted.usd.min(axis=1))) or 1.0
    rows = np.arange(len(test.prompts))
    usd, score = np.empty((LAMBDAS, len(rows))), np.empty((LAMBDAS, len(rows)))
    for i, weight in enumerate(np.concatenate([[0.0], np.logspace(-4, 3, LAMBDAS - 1) / spread])):
        chosen = np.argmax(predicted.score - weight * predicted.usd, axis=1)
        usd[i], score[i] = test.usd[rows, chosen], test.score[rows, chosen]
    return usd, score


def joint_figures(latent: Latent, marginal: Floats, test: Grid) -> Mapping[str, float]:
    """Mean log-likelihood of each outcome not yet seen once two are, jointly and independently."""
    random = np.random.default_rng(0)
    weights = np.full(PARTICLES, 1.0 / PARTICLES)
    joint = independent = 0.0
    models = len(test.models)
    if models <= SEEN_FIRST:
        return {}
    for row, score in zip(marginal, test.score, strict=True):
        success = latent.success(row)
        first = random.permutation(models)[:SEEN_FIRST]
        seen = np.full(models, np.nan)
        seen[first] = score[first]
        rest = score.copy()
        rest[first] = np.nan
        joint += log_likelihood(success, weights, score) - log_likelihood(success, weights, seen)
        independent += log_likelihood(np.clip(weights @ success, 1e-3, 1 - 1e-3)[None, :], np.ones(1), rest)
    cells = len(test.prompts) * (models - SEEN_FIRST)
    return {"log_likelihood": joint / cells, "log_likelihood_independent": independent / cells}
