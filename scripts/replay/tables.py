"""Outcome tables as a replay needs them: prompts x models, every figure known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from action_model.outcomes import SELECTIONS, Grid, read_grids, selection_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """(P, A) arrays: `passed` 0 or 1, `usd`, `seconds`, `answers` (None: none could be read); `grid` is the source."""

    grid: Grid
    passed: Floats
    usd: Floats
    seconds: Floats
    answers: tuple[tuple[str | None, ...], ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in the order of the columns."""
        return self.grid.models

    @property
    def count(self) -> int:
        """How many prompts."""
        return len(self.grid.prompts)

    def take(self, rows: NDArray[np.intp]) -> "Table":
        """Some of the prompts."""
        answers = tuple(self.answers[i] for i in rows.tolist())
        return Table(self.grid.take(rows), self.passed[rows], self.usd[rows], self.seconds[rows], answers)


def load_tables(data: Path, name: str, splits: tuple[str, ...]) -> dict[str, Table]:
    """The prompts of each split that every chosen model has answered. Raises what `whole_grids` does."""
    return {split: _table(grid) for split, grid in whole_grids(data, name, splits).items()}


def whole_grids(data: Path, name: str, splits: Sequence[str]) -> dict[str, Grid]:
    """A named benchmark or any table in the folder, by split. Raises click's errors: unknown, or no whole prompt."""
    selection = selection_of(name, data, is_whole=True)
    if selection is None or not (data / selection.table / "outcomes.parquet").is_file():
        raise click.BadParameter(
            f"no table '{name}' in {data}; named ones: {', '.join(SELECTIONS)}", param_hint="table"
        )
    grids = read_grids(data, selection, splits)
    for split, grid in grids.items():
        if not grid.prompts or len(grid.models) < 2:
            raise click.ClickException(f"{name}, split '{split}': no prompt with the known cost of two models' answers")
    return grids


def _table(grid: Grid) -> Table:
    measured = not np.isnan(grid.seconds).any()
    seconds = grid.seconds if measured else synthetic_seconds(grid.output_tokens, grid.usd)
    answers = tuple(tuple(normalise(answer) for answer in row) for row in grid.answers)
    return Table(grid, (grid.score >= 1.0).astype(float), grid.usd, seconds, answers)


def synthetic_seconds(output_tokens: Floats, usd: Floats) -> Floats:
    """Where no latency was measured: 0.5 s to the first token; 100 tokens a second, 40 for the dearer half."""
    if not len(usd):
        return np.zeros_like(usd)
    dear = usd.mean(axis=0) > np.median(usd.mean(axis=0))
    seconds: Floats = 0.5 + np.nan_to_num(output_tokens) / np.where(dear, 40.0, 100.0)
    return seconds


def normalise(answer: str | None) -> str | None:
    """A final answer, so that equal ones compare equal: case, spaces, currency, and the way a number is written."""
    if answer is None or not answer.strip():
        return None
    text = answer.strip().strip("$ .").lower()
    try:
        return f"{float(text.replace(',', '')):.6g}"
    except ValueError:
        return " ".join(text.split())
