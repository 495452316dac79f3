"""Fits everything that a checkpoint holds, from grids of outcomes."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from action_model.calibrated import fit_joint
from action_model.demand import fit_demand
from action_model.features import Floats, featurize
from action_model.latent import Latent, LatentConfig, logit
from action_model.learnt import Learnt, Paces, nobody
from action_model.mixture import Mixture, MixtureConfig, fit_mixture
from action_model.outcomes import Grid
from action_model.prior import HIGH_QUANTILE_Z
from action_model.projection import Projection
from action_model.ridge import Ridge, fit_ridge
from action_model.topics import telling_projection, unseen_topics

FOLDS = 4
TOKEN_PENALTY = 20.0
COUNT_PENALTY = 5.0
MEDIAN_TOKENS = 200.0
CONCENTRATION = 4.0
"""Of repeats, where nothing is known of them (`PriorConfig.concentration`)."""
HIGH = 0.9
USUAL_SPREAD = 0.8


def train(
    grids: Mapping[str, Grid],
    config: LatentConfig | None = None,
    tell: Callable[[str], None] = lambda _: None,
    concentration: float = CONCENTRATION,
    features: Mapping[str, Floats] | None = None,
) -> Learnt:
    """The projection over all texts, a mixture per grid, the latent model over all of them together. Deterministic.

    `concentration` is that of repeats, where tables with repeated samples have said it; `features` are those of the
    grids' prompts, where they are there already.
    """
    tell("features")
    features = features or {name: featurize(grid.prompts) for name, grid in grids.items()}
    projection = telling_projection(list(features.values()), [grids[name].categories for name in features])
    models, tables = _columns(grids)
    projected = {name: projection(rows) for name, rows in features.items()}
    mixtures: dict[str, Mixture] = {}
    for name, grid in grids.items():
        tell(f"mixture of {name}")
        mixtures[name] = fit_mixture(projected[name], grid.score, grid.categories)
    tell("latent model")
    marginals, score = _stack(grids, tables, len(models), projection, features)
    latent = fit_joint(marginals, score, config)
    x = np.concatenate(list(projected.values()))
    tokens = np.concatenate([_spread(g.output_tokens, tables[name], len(models)) for name, g in grids.items()])
    log_tokens, spread, high = fit_tokens(x, tokens)
    seconds = np.concatenate([_spread(g.seconds, tables[name], len(models)) for name, g in grids.items()])
    usd = np.concatenate([_spread(g.usd, tables[name], len(models)) for name, g in grids.items()])
    demand = fit_demand(_logits(mixtures, tables, latent, x))
    return Learnt(
        models=models,
        projection=projection,
        mixtures=mixtures,
        tables=tables,
        latent=latent,
        log_price=_log_mean(usd),
        log_tokens=log_tokens,
        token_spread=spread,
        token_high=high,
        concentration=concentration,
        demand=demand,
        joined=nobody(demand.basis.shape[1], latent.theta.shape[1]),
        requirement_counts={
            name: fit_ridge(projected[name], grid.requirements[:, None], COUNT_PENALTY)
            for name, grid in grids.items()
            if grid.requirements is not None and grid.requirements.any()
        },
        paces=fit_paces(x, seconds),
    )


def out_of_fold(projection: Projection, features: Floats, grid: Grid) -> Floats:
    """Marginals (N, M) of each prompt by a mixture, and by directions that tell topics, that have not seen it."""
    config = MixtureConfig(cluster_counts=(48,), cluster_seeds=1)
    fold = np.arange(len(grid.prompts)) % FOLDS
    found = np.empty_like(grid.score)
    for k, x in enumerate(unseen_topics(projection, features, grid.categories, fold)):
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
    grids: Mapping[str, Grid],
    tables: Mapping[str, tuple[int, ...]],
    width: int,
    projection: Projection,
    features: Mapping[str, Floats],
) -> tuple[Floats, Floats]:
    marginals = [_spread(out_of_fold(projection, features[n], g), tables[n], width, 0.5) for n, g in grids.items()]
    scores = [_spread(grid.score, tables[name], width) for name, grid in grids.items()]
    return np.concatenate(marginals), np.concatenate(scores)


def _spread(values: Floats, columns: tuple[int, ...], width: int, filler: float = np.nan) -> Floats:
    found = np.full((len(values), width), filler)
    found[:, list(columns)] = values
    return found


def _logits(
    mixtures: Mapping[str, Mixture], tables: Mapping[str, tuple[int, ...]], latent: Latent, x: Floats
) -> Floats:
    """(N, M) of all texts, every table's mixture on every text."""
    found = np.empty((len(x), len(latent.bias)))
    for table, mixture in mixtures.items():
        found[:, list(tables[table])] = mixture.predict(x)
    logits: Floats = latent.scale * logit(found) + latent.bias
    return logits


def fit_tokens(x: Floats, tokens: Floats) -> tuple[Ridge, Floats, Floats]:
    """Ridge on log output tokens (N, M), the spread (M,) around it, and how far (M,) the 0.9 quantile lies above.

    The quantile is that of residuals of texts that the ridge had not seen (split conformal: Papadopoulos et al. 2002),
    so that it holds whatever their distribution. A model without counts gets the median of all.
    """
    logs = np.log(np.maximum(tokens, 1.0))
    known = ~np.isnan(logs)
    means = np.where(known.any(axis=0), _nanmean(logs), np.log(MEDIAN_TOKENS))
    centred = np.where(known, logs - means, 0.0)
    fold = np.arange(len(x)) % FOLDS
    residual = np.full_like(logs, np.nan)
    for k in range(FOLDS):
        fit, held = fold != k, fold == k
        residual[held] = (logs[held] - means) - _token_ridge(x[fit], centred[fit], known[fit]).predict(x[held])
    ridge = _token_ridge(x, centred, known)
    unknown = ~known.any(axis=0)
    spread = np.where(unknown, USUAL_SPREAD, np.sqrt(_nanmean(residual**2)))
    high = np.array(
        [
            np.nanquantile(column, HIGH) if seen.any() else np.nan
            for column, seen in zip(residual.T, known.T, strict=True)
        ]
    )
    return (
        Ridge(ridge.center, ridge.mean + means, ridge.weights),
        spread,
        np.where(unknown, HIGH_QUANTILE_Z * spread, high),
    )


def fit_paces(x: Floats, seconds: Floats) -> Paces | None:
    """As tokens, in milliseconds, for the models (M,) whose seconds (N, M) are known; None where none is."""
    columns = np.flatnonzero((~np.isnan(seconds)).any(axis=0))
    if not len(columns):
        return None
    ridge, spread, high = fit_tokens(x, 1e3 * seconds[:, columns])
    in_seconds = replace(ridge, mean=ridge.mean - np.log(1e3))
    return Paces(tuple(columns.tolist()), in_seconds, spread, high)


def _token_ridge(x: Floats, centred: Floats, known: NDArray[np.bool_]) -> Ridge:
    """Models that answered the same texts are fitted together on those texts alone."""
    center, mean = x.mean(axis=0), np.zeros(centred.shape[1])
    weights = np.zeros((x.shape[1], centred.shape[1]))
    patterns, group = np.unique(known, axis=1, return_inverse=True)
    for g in range(patterns.shape[1]):
        rows, columns = np.flatnonzero(patterns[:, g]), np.flatnonzero(group == g)
        if not len(rows):
            continue
        ridge = fit_ridge(x[rows], centred[np.ix_(rows, columns)], TOKEN_PENALTY)
        weights[:, columns] = ridge.weights
        mean[columns] = ridge.mean + (center - ridge.center) @ ridge.weights
    return Ridge(center, mean, weights)


def _log_mean(usd: Floats) -> Floats:
    found: Floats = np.log10(np.maximum(_nanmean(usd), 1e-9))
    return found


def _nanmean(values: Floats) -> Floats:
    seen = ~np.isnan(values)
    count = seen.sum(axis=0)
    total = np.where(seen, values, 0.0).sum(axis=0)
    found: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found
