"""Fits everything that a checkpoint holds, from grids of outcomes."""

from collections.abc import Callable, Mapping

import numpy as np

from action_model.features import Floats, featurize
from action_model.latent import LatentConfig, fit_latent
from action_model.learnt import Learnt
from action_model.mixture import Mixture, MixtureConfig, fit_mixture
from action_model.outcomes import Grid
from action_model.projection import fit_projection
from action_model.ridge import Ridge, fit_ridge

FOLDS = 4
TOKEN_PENALTY = 20.0
MEDIAN_TOKENS = 200.0


def train(
    grids: Mapping[str, Grid], config: LatentConfig | None = None, tell: Callable[[str], None] = lambda _: None
) -> Learnt:
    """The projection over all texts, a mixture per grid, the latent model over all of them together. Deterministic."""
    tell("features")
    features = {name: featurize(grid.prompts) for name, grid in grids.items()}
    projection = fit_projection(np.concatenate(list(features.values())))
    models, tables = _columns(grids)
    projected = {name: projection(rows) for name, rows in features.items()}
    mixtures: dict[str, Mixture] = {}
    for name, grid in grids.items():
        tell(f"mixture of {name}")
        mixtures[name] = fit_mixture(projected[name], grid.score, grid.categories)
    tell("latent model")
    marginals, score = _stack(grids, tables, len(models), projected)
    latent = fit_latent(marginals, score, config)
    x = np.concatenate(list(projected.values()))
    tokens = np.concatenate([_spread(g.output_tokens, tables[name], len(models)) for name, g in grids.items()])
    log_tokens, spread = _fit_tokens(x, tokens)
    usd = np.concatenate([_spread(g.usd, tables[name], len(models)) for name, g in grids.items()])
    return Learnt(models, projection, mixtures, tables, latent, _log_mean(usd), log_tokens, spread)


def out_of_fold(x: Floats, grid: Grid, folds: int = FOLDS) -> Floats:
    """Marginals (N, M) of each prompt by a mixture that has not seen it."""
    config = MixtureConfig(cluster_counts=(48,), cluster_seeds=1)
    fold = np.arange(len(grid.prompts)) % folds
    found = np.empty_like(grid.score)
    for k in range(folds):
        fit, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        topics = tuple(grid.categories[i] for i in fit.tolist())
        found[held] = fit_mixture(x[fit], grid.score[fit], topics, config).predict(x[held])
    return found


def _columns(grids: Mapping[str, Grid]) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    """A model of two tables has a column in each: their scores are not the same quantity."""
    names: list[str] = []
    tables: dict[str, tuple[int, ...]] = {}
    for table, grid in grids.items():
        tables[table] = tuple(range(len(names), len(names) + len(grid.models)))
        names += [f"{table}:{model}" for model in grid.models]
    return tuple(names), tables


def _stack(
    grids: Mapping[str, Grid], tables: Mapping[str, tuple[int, ...]], width: int, projected: Mapping[str, Floats]
) -> tuple[Floats, Floats]:
    marginals = [_spread(out_of_fold(projected[n], g), tables[n], width, 0.5) for n, g in grids.items()]
    scores = [_spread(grid.score, tables[name], width) for name, grid in grids.items()]
    return np.concatenate(marginals), np.concatenate(scores)


def _spread(values: Floats, columns: tuple[int, ...], width: int, filler: float = np.nan) -> Floats:
    found = np.full((len(values), width), filler)
    found[:, list(columns)] = values
    return found


def _fit_tokens(x: Floats, tokens: Floats) -> tuple[Ridge, Floats]:
    """Ridge on the logarithm of output tokens; a model without counts gets the median of all."""
    logs = np.log(np.maximum(tokens, 1.0))
    means = np.where(np.isnan(logs).all(axis=0), np.log(MEDIAN_TOKENS), _nanmean(logs))
    centred = np.where(np.isnan(logs), 0.0, logs - means)
    ridge = fit_ridge(x, centred, TOKEN_PENALTY)
    residual = np.where(np.isnan(logs), np.nan, logs - means - ridge.predict(x))
    spread = np.where(np.isnan(residual).all(axis=0), 0.8, np.sqrt(_nanmean(residual**2)))
    return type(ridge)(ridge.center, ridge.mean + means, ridge.weights), spread


def _log_mean(usd: Floats) -> Floats:
    found: Floats = np.log10(np.maximum(_nanmean(usd), 1e-9))
    return found


def _nanmean(values: Floats) -> Floats:
    seen = ~np.isnan(values)
    count = seen.sum(axis=0)
    total = np.where(seen, values, 0.0).sum(axis=0)
    found: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found
