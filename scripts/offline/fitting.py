"""From outcome tables to a checkpoint and its card: what `maestro train` does, whoever asks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from action_model.checkpoint import Card
from action_model.features import featurize
from action_model.latent import PARTICLES, LatentConfig, log_likelihood
from action_model.learned import LearnedEstimator
from action_model.learnt import Learnt
from action_model.metrics import auc, brier, calibration_error
from action_model.offline.coverage import coverage
from action_model.outcomes import Grid, read_grids, selection_of
from action_model.repeated import fitted_concentration
from action_model.train import train
from scripts.offline.tables import read_prompts

DEFAULT_TABLES = ("mmlu_pro_11", "zeroeval_28", "llmdrift", "routellm_mmlu", "llmrouter")


@dataclass(frozen=True)
class Fitted:
    """What was learnt, its card, and the held-out tasks of each table."""

    learnt: Learnt
    card: Card
    held: Mapping[str, Grid]


def fit_tables(
    data: Path,
    splits: tuple[str, str],
    tables: Sequence[str],
    config: LatentConfig | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Fits on the first split, measures on the second; tables that `selection_of` knows. The same data give the same
    numbers."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    selections = {name: selection_of(name, data) for name in tables}
    grids = {name: read_grids(data, s, list(splits)) for name, s in selections.items() if s is not None}
    seen, held = ({name: grid[split] for name, grid in grids.items()} for split in splits)
    learnt = with_repeats(train(seen, config, tell=tell), data, splits[0])
    metrics = {name: figures(learnt, name, grid) for name, grid in held.items()}
    trained_on = {name: {"split": splits[0], "prompts": len(grid.prompts)} for name, grid in seen.items()}
    prompts = {name: text for table in tables for name, text in read_prompts(data, table).items()}
    return Fitted(learnt, Card(learnt.models, dict(learnt.tables), trained_on, metrics, prompts=prompts), held)


def with_repeats(learnt: Learnt, data: Path, split: str) -> Learnt:
    """With the concentration of repeats that the tables with repeated samples say, where the folder has any."""
    spread = float(np.median((learnt.latent.theta**2).sum(axis=1)))
    found = fitted_concentration(data, split, spread)
    return learnt if found is None else replace(learnt, concentration=found)


def figures(learnt: Learnt, table: str, test: Grid) -> dict[str, Any]:
    """Held-out figures of one table."""
    columns = list(learnt.tables[table])
    logits = learnt.logits(featurize(test.prompts))[:, columns]
    theta, particles = learnt.latent.theta[columns], learnt.latent.particles
    success = 1.0 / (1.0 + np.exp(-(logits[:, None, :] + (particles @ theta.T)[None, :, :])))  # (N, S, M)
    p = success.mean(axis=1)
    weights = np.full(PARTICLES, 1.0 / PARTICLES)
    rows = zip(success, test.score, strict=True)
    likelihood = float(np.mean([log_likelihood(row, weights, score) for row, score in rows])) / len(columns)
    return {
        "auc": auc(p, test.score),
        "brier": brier(p, test.score),
        "calibration_error": calibration_error(p, test.score),
        "log_likelihood": likelihood,
        **coverage(LearnedEstimator(learnt), test),
    }
