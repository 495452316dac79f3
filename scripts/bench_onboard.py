"""`maestro bench onboard`: a model of a table is left out, and learnt from few labels."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from action_model.features import Floats, featurize
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.metrics import auc, brier
from action_model.onboard import Label, Newcomer, next_questions, onboard
from action_model.outcomes import SELECTIONS, Grid, read_grids
from action_model.train import train

COUNTS = (0, 16, 32, 64, 128, 256)
BATCH = 16
POOL = 1500


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--table", default="zeroeval_28", type=click.Choice(list(SELECTIONS)), show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--models", default=0, help="Leave out only the first so many, evenly spread; 0: each of them.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(data: Path, table: str, test_split: str, models: int, json_path: Path | None) -> None:
    """AUC of a new model as a share of full training's, its Brier score against a constant's, by number of labels."""
    grids = read_grids(data, SELECTIONS[table], ["train", test_split])
    seen, unseen = grids["train"], grids[test_split]
    full = train({table: seen})
    whole = full_chances(full, unseen)
    count = len(seen.models)
    chosen = np.unique(np.linspace(0, count - 1, models or count).astype(int)).tolist()
    found: list[dict[str, Any]] = []
    for j in chosen:
        reference = auc(whole[:, [j]], unseen.score[:, [j]])
        found += curve(seen, unseen, j, table, reference)
    if json_path is not None:
        json_path.write_text(json.dumps(found, indent=1), "utf-8")
    Console().print(summary(found, f"{table}: {len(chosen)} models left out, one at a time"))


def curve(seen: Grid, unseen: Grid, j: int, table: str, reference: float) -> list[dict[str, Any]]:
    """The figures of one model, asked by information gain and at random."""
    learnt = train({table: without(seen, j)})
    newcomer = Newcomer(seen.models[j], float(np.nanmean(seen.usd[:, j])))
    pool = np.random.default_rng(j).permutation(len(seen.prompts))[:POOL]
    truth = unseen.score[:, j]
    x = learnt.projection(featurize(unseen.prompts))
    rows = []
    for way in ("gain", "random"):
        asked: list[int] = []
        for count in COUNTS:
            asked = more(learnt, newcomer, seen, j, pool, asked, count, way)
            p = joined_chances(onboard(learnt, newcomer, labels_of(seen, j, pool[asked])), x)
            rows.append(
                {
                    "model": newcomer.name,
                    "way": way,
                    "labels": count,
                    "auc_share": auc(p[:, None], truth[:, None]) / reference,
                    "brier": brier(p, truth),
                    "brier_of_constant": brier(np.full_like(truth, seen.score[:, j].mean()), truth),
                }
            )
    return rows


def more(
    learnt: Learnt,
    newcomer: Newcomer,
    seen: Grid,
    j: int,
    pool: NDArray[np.intp],
    asked: list[int],
    count: int,
    way: str,
) -> list[int]:
    """Places in the pool of the tasks asked by now, `count` of them."""
    if way == "random":
        return list(range(count))
    texts = [seen.prompts[i] for i in pool.tolist()]
    while len(asked) < count:
        answered = {place: float(seen.score[pool[place], j]) for place in asked}
        step = min(BATCH if count <= 64 else 4 * BATCH, count - len(asked))
        asked = asked + next_questions(learnt, newcomer, texts, answered, step)
    return asked


def labels_of(seen: Grid, j: int, rows: Sequence[int] | NDArray[np.intp]) -> list[Label]:
    """What the left-out model answered."""
    return [Label(seen.prompts[i], float(seen.score[i, j])) for i in rows]


def joined_chances(learnt: Learnt, x: Floats) -> Floats:
    """(N,): chances of the one model that joined."""
    logits = learnt.joined.bias[0] + learnt.demand(learnt.logits_at(x)) @ learnt.joined.loadings[0]
    shifts = learnt.latent.particles @ learnt.joined.theta[0]
    found: Floats = sigmoid(logits[:, None] + shifts[None, :]).mean(axis=1)
    return found


def full_chances(learnt: Learnt, unseen: Grid) -> Floats:
    """(N, M): chances of all models by full training."""
    logits = learnt.logits(featurize(unseen.prompts))
    shifts = learnt.latent.particles @ learnt.latent.theta.T  # (S, M)
    return np.array([sigmoid(row[None, :] + shifts).mean(axis=0) for row in logits])


def without(grid: Grid, j: int) -> Grid:
    """The grid without one model."""
    kept = [i for i in range(len(grid.models)) if i != j]
    return replace(
        grid,
        models=tuple(grid.models[i] for i in kept),
        score=grid.score[:, kept],
        usd=grid.usd[:, kept],
        output_tokens=grid.output_tokens[:, kept],
        seconds=grid.seconds[:, kept],
    )


def summary(found: Sequence[dict[str, Any]], title: str) -> Table:
    """Means over the left-out models."""
    table = Table("labels", "way", "AUC share", "Brier", "of a constant", "worse than it", title=title)
    for count in COUNTS:
        for way in ("gain", "random"):
            rows = [row for row in found if (row["labels"], row["way"]) == (count, way)]
            means = [float(np.mean([row[key] for row in rows])) for key in ("auc_share", "brier", "brier_of_constant")]
            worse = sum(row["brier"] > row["brier_of_constant"] for row in rows)
            table.add_row(str(count), way, *(f"{mean:.4f}" for mean in means), f"{worse} of {len(rows)}")
    return table
