"""`maestro bench onboard`: a model of a table is left out, and learnt from few labels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Table

from action_model.costed import of_models
from action_model.features import Floats, featurize
from action_model.latent import LatentConfig, sigmoid
from action_model.learnt import Learnt
from action_model.metrics import auc, brier
from action_model.mixture import fit_mixture
from action_model.onboard import Label, Newcomer, next_among, onboard
from action_model.outcomes import Grid
from action_model.topics import telling_projection
from action_model.train import train
from scripts.replay.tables import whole_grids
from scripts.reporting.console import report_console
from scripts.stamp import stamp

COUNTS = (0, 16, 32, 64, 128, 256)
BATCH = 16
KNOWN_SHARE = 0.7
"""Of the training tasks, that the known models were learnt from; the new one is asked others, as an operator's are."""
EPOCHS = 20
"""Of the latent model: it has no part in these figures but for the new model's theta."""
WAYS = ("chosen", "random")


@dataclass(frozen=True)
class Bench:
    """A table's tasks and their features: what known models learnt from, what may be asked, what is predicted."""

    table: str
    known: Grid
    pool: Grid
    unseen: Grid
    features: tuple[Floats, Floats, Floats]


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--table", default="zeroeval_28", show_default=True, help="A named benchmark or a table of the folder.")
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--models", default=0, help="Leave out only so many, evenly spread; 0: each of them.")
@click.option("--tasks", default=4000, show_default=True, help="Of the training split, at most.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(data: Path, table: str, test_split: str, models: int, tasks: int, json_path: Path | None) -> None:
    """AUC of a new model as a share of full training's, its Brier score against a constant's, by number of labels."""
    grids = whole_grids(data, table, ["train", test_split])
    bench = bench_of(table, grids["train"], grids[test_split], tasks)
    whole = full_chances(bench)
    count = len(bench.known.models)
    chosen = np.unique(np.linspace(0, count - 1, models or count).astype(int)).tolist()
    found: list[dict[str, Any]] = []
    for j in chosen:
        reference = auc(whole[:, [j]], bench.unseen.score[:, [j]])
        found += curve(bench, j, reference)
    if json_path is not None:
        told = {"bench": "onboard", "made": stamp(), "table": table, "rows": found}
        json_path.write_text(json.dumps(told, indent=1), "utf-8")
    report_console().print(summary(found, f"{table}: {len(chosen)} models left out, one at a time"))


def bench_of(table: str, seen: Grid, unseen: Grid, tasks: int) -> Bench:
    """The same tasks every time."""
    order = np.random.default_rng(0).permutation(len(seen.prompts))[:tasks]
    at = int(KNOWN_SHARE * len(order))
    known, pool = seen.take(np.sort(order[:at])), seen.take(order[at:])
    features = (featurize(known.prompts), featurize(pool.prompts), featurize(unseen.prompts))
    return Bench(table, known, pool, unseen, features)


def curve(bench: Bench, j: int, reference: float) -> list[dict[str, Any]]:
    """The figures of one model, asked by what tells most and at random."""
    table = {bench.table: without(bench.known, j)}
    learnt = train(table, LatentConfig(epochs=EPOCHS), features={bench.table: bench.features[0]})
    newcomer = Newcomer(bench.known.models[j], float(np.nanmean(bench.known.usd[:, j])))
    demand = learnt.demand(learnt.logits(bench.features[1]))
    x, truth = learnt.projection(bench.features[2]), bench.unseen.score[:, j]
    constant = np.full_like(truth, np.concatenate([bench.known.score[:, j], bench.pool.score[:, j]]).mean())
    rows = []
    for way in WAYS:
        asked: list[int] = []
        for count in (each for each in COUNTS if each <= len(bench.pool.prompts)):
            asked = more(learnt, newcomer, (demand, bench.pool.score[:, j]), asked, count, way)
            p = joined_chances(onboard(learnt, newcomer, labels_of(bench.pool, j, asked)), x)
            rows.append(
                {
                    "model": newcomer.name,
                    "way": way,
                    "labels": count,
                    "auc_share": auc(p[:, None], truth[:, None]) / reference,
                    "brier": brier(p, truth),
                    "brier_of_constant": brier(constant, truth),
                }
            )
    return rows


def more(
    learnt: Learnt, newcomer: Newcomer, pool: tuple[Floats, Floats], asked: list[int], count: int, way: str
) -> list[int]:
    """Places in the pool (demand and scores) of the tasks asked by now, `count` of them."""
    demand, score = pool
    if way == "random":
        return list(range(count))  # the pool is in random order
    while len(asked) < min(count, len(score)):
        answered = {place: float(score[place]) for place in asked}
        asked = asked + next_among(learnt, newcomer, demand, answered, min(BATCH, count - len(asked)))
    return asked


def labels_of(seen: Grid, j: int, rows: Sequence[int]) -> list[Label]:
    """What the left-out model answered."""
    return [Label(seen.prompts[i], float(seen.score[i, j])) for i in rows]


def joined_chances(learnt: Learnt, x: Floats) -> Floats:
    """(N,): chances of the one model that joined."""
    logits = learnt.joined.bias[0] + learnt.demand(learnt.logits_at(x)) @ learnt.joined.loadings[0]
    shifts = learnt.latent.particles @ learnt.joined.theta[0]
    found: Floats = sigmoid(logits[:, None] + shifts[None, :]).mean(axis=1)
    return found


def full_chances(bench: Bench) -> Floats:
    """(N, M): chances of all models, each learnt from all tasks: those of the known ones and those of the pool."""
    prompts = np.concatenate(bench.features[:2])
    score = np.concatenate([bench.known.score, bench.pool.score])
    categories = (*bench.known.categories, *bench.pool.categories)
    projection = telling_projection([prompts], [categories])
    return fit_mixture(projection(prompts), score, categories).predict(projection(bench.features[2]))


def without(grid: Grid, j: int) -> Grid:
    """The grid without one model."""
    return of_models(grid, np.delete(np.arange(len(grid.models)), j))


def summary(found: Sequence[dict[str, Any]], title: str) -> Table:
    """Means over the left-out models."""
    table = Table("labels", "way", "AUC share", "Brier", "of a constant", "worse than it", title=title)
    for count in sorted({row["labels"] for row in found}):
        for way in WAYS:
            rows = [row for row in found if (row["labels"], row["way"]) == (count, way)]
            means = [float(np.mean([row[key] for row in rows])) for key in ("auc_share", "brier", "brier_of_constant")]
            worse = sum(row["brier"] > row["brier_of_constant"] for row in rows)
            table.add_row(str(count), way, *(f"{mean:.4f}" for mean in means), f"{worse} of {len(rows)}")
    return table
