"""Grids whose costs can be compared: no answer without one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from action_model.outcomes import Grid

UNIT_USD = 1.0
"""What a call counts where a table knows no costs at all."""


def with_costs(train: Grid, test: Grid) -> tuple[Grid, Grid, tuple[str, ...]]:
    """Both grids and the models left out: those without a cost in `train`, where others have one.

    Single answers without a cost take their model's mean in `train`. Where no model has a cost, every call counts the
    same (one unit), so that nothing is left out and AIQ is the best mean score.
    """
    told = ~np.isnan(train.usd).all(axis=0)
    if not told.any():
        equal = [replace(grid, usd=np.full_like(grid.score, UNIT_USD)) for grid in (train, test)]
        return equal[0], equal[1], ()
    kept = np.flatnonzero(told)
    means = np.nanmean(train.usd[:, kept], axis=0)
    found = [_filled(of_models(grid, kept), means) for grid in (train, test)]
    return found[0], found[1], tuple(train.models[i] for i in np.flatnonzero(~told).tolist())


def of_models(grid: Grid, columns: NDArray[np.intp]) -> Grid:
    """The grid of some of its models."""
    names: Sequence[int] = columns.tolist()
    return replace(
        grid,
        models=tuple(grid.models[j] for j in names),
        score=grid.score[:, columns],
        usd=grid.usd[:, columns],
        output_tokens=grid.output_tokens[:, columns],
        seconds=grid.seconds[:, columns],
        answers=tuple(tuple(row[j] for j in names) for row in grid.answers),
    )


def _filled(grid: Grid, means: NDArray[np.float64]) -> Grid:
    return replace(grid, usd=np.where(np.isnan(grid.usd), means[None, :], grid.usd))
