"""Grids of tables of which only a part was collected, such as `maestro collect` writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from action_model.features import Floats, featurize
from action_model.offline.completion import complete
from action_model.outcomes import Grid
from action_model.projection import fit_projection

COVERAGE = 0.9
"""Of the held-out tasks, that an action must have answered to be in the grid: the others were dropped early."""
WIDTH = 64


def read_partial(folder: Path, table: str, splits: Sequence[str], fill: str = "train") -> dict[str, Grid]:
    """One grid per split, samples averaged. In the split `fill` every task with any outcome, unseen cells at their
    expectation given the others; in the others only tasks that every action answered. Raises FileNotFoundError."""
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(folder / table / "outcomes.parquet").to_pylist()
    models = covering([row for row in rows if row["split"] != fill] or rows)
    return {split: _grid([row for row in rows if row["split"] == split], models, split == fill) for split in splits}


def covering(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Models that answered nearly every task of these rows that anyone answered."""
    tasks = {row["prompt_id"] for row in rows}
    answered: dict[str, set[str]] = {}
    for row in rows:
        answered.setdefault(row["model"], set()).add(row["prompt_id"])
    return tuple(sorted(name for name, ids in answered.items() if len(ids) >= COVERAGE * len(tasks)))


def _grid(rows: Sequence[Mapping[str, Any]], models: tuple[str, ...], fill: bool) -> Grid:
    cells: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        if row["model"] in models:
            cells.setdefault(row["prompt_id"], {}).setdefault(row["model"], []).append(row)
    names = sorted(name for name, row in cells.items() if fill or len(row) == len(models))
    first = [next(iter(cells[name].values()))[0] for name in names]
    found = [[cells[name].get(model, []) for model in models] for name in names]
    score, usd, tokens, seconds = (
        np.array([[_mean(cell, column) for cell in row] for row in found]).reshape(len(names), len(models))
        for column in ("score", "cost_usd", "output_tokens", "latency_s")
    )
    prompts = tuple(row["prompt"] for row in first)
    return Grid(
        prompts,
        tuple(names),
        tuple(f"{row['benchmark']}/{row.get('category')}" for row in first),
        models,
        _filled(prompts, score) if fill and names else score,
        _by_column(usd),
        _by_column(tokens),
        _by_column(seconds),
        np.array([float(row.get("input_tokens") or 0) for row in first]),
        tuple(tuple(cell[0].get("answer") if cell else None for cell in row) for row in found),
        np.array([float(row.get("requirement_count") or 0) for row in first]),
    )


def _filled(prompts: tuple[str, ...], score: Floats) -> Floats:
    if not np.isnan(score).any():
        return score
    features = featurize(prompts)
    return complete(fit_projection(features, WIDTH)(features), score).score


def _by_column(values: Floats) -> Floats:
    """Unseen cells at their column's mean."""
    seen = ~np.isnan(values)
    means = np.where(seen, values, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.where(seen, values, np.where(seen.any(axis=0), means, np.nan)[None, :])


def _mean(cell: Sequence[Mapping[str, Any]], column: str) -> float:
    told = [float(row[column]) for row in cell if row.get(column) is not None]
    return sum(told) / len(told) if told else float("nan")
