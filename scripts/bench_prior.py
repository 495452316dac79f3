"""`maestro bench prior`: how well models that nobody measured are placed by size and price."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.features import Floats
from action_model.metrics import brier
from action_model.newcomer import PLACED_AT
from action_model.offline.figures import some_of
from action_model.offline.placing import Placed, chances, fit_placing, placed_models
from action_model.outcomes import SELECTIONS, read_grids
from action_model.prior import PriorConfig
from scripts.stamp import stamp

TABLES = "mmlu_pro_11,zeroeval_28,llmdrift,routellm_mmlu,llmrouter"
BY_PRICE = PriorConfig(base_logit=1.1, logit_per_decade=0.7)
"""What was stated before sizes were read."""
Way = Callable[[Placed], Floats]


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--tables", default=TABLES, show_default=True)
@click.option("--train", "train_split", default="train", show_default=True, help="What the numbers are fitted on.")
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(data: Path, tables: str, train_split: str, test_split: str, json_path: Path | None) -> None:
    """The stated prior's error on models of the tables, each placed by numbers fitted on all the others."""
    learnt, _ = load_checkpoint(DEFAULT)
    slope = PLACED_AT
    seen, unseen = list[Placed](), list[Placed]()
    for name in tables.split(","):
        grids = read_grids(data, SELECTIONS[name], [train_split, test_split])
        seen += placed_models(learnt, name, some_of(grids[train_split]))
        unseen += placed_models(learnt, name, grids[test_split])
    ways = ways_of(seen, slope)
    rows = [row for way, predict in ways.items() for row in errors(way, unseen, predict)]
    whole = fit_placing(seen, slope, PriorConfig())
    if json_path is not None:
        told = {"bench": "prior", "made": stamp(), "fitted": whole, "rows": rows}
        json_path.write_text(json.dumps(told, indent=1), "utf-8")
    console = Console()
    console.print(summary(rows))
    words = "base_logit, logit_per_decade, sized_logit, logit_per_size_decade"
    console.print(f"{words} fitted on all: {', '.join(f'{value:.2f}' for value in whole)}", highlight=False)


def ways_of(seen: Sequence[Placed], slope: float) -> dict[str, Way]:
    """By price alone; by size or price with numbers fitted without the model that is placed; with the stated ones."""
    apart: dict[str, PriorConfig] = {}
    for name in {one.identity for one in seen}:
        base, decade, sized, size_decade = fit_placing([o for o in seen if o.identity != name], slope, PriorConfig())
        apart[name] = replace(
            PriorConfig(),
            base_logit=base,
            logit_per_decade=decade,
            sized_logit=sized,
            logit_per_size_decade=size_decade,
        )
    return {
        "by price, as it was": lambda one: chances(BY_PRICE, replace(one, parameters_billions=None), slope),
        "by size or price, model left out": lambda one: chances(apart[one.identity], one, slope),
        "by size or price, as stated": lambda one: chances(PriorConfig(), one, slope),
    }


def errors(way: str, unseen: Sequence[Placed], predict: Way) -> list[dict[str, Any]]:
    """Of each model: predicted and measured mean success, and the Brier score beside that of its own mean."""
    found = []
    for one in unseen:
        p = predict(one)
        found.append(
            {
                "way": way,
                "table": one.table,
                "model": one.model,
                "parameters_billions": one.parameters_billions,
                "predicted": float(p.mean()),
                "measured": float(one.score.mean()),
                "brier": brier(p, one.score),
                "brier_of_its_mean": float(one.score.var()),
            }
        )
    return found


def summary(rows: Sequence[dict[str, Any]]) -> Table:
    """Means over models, those whose size is known apart."""
    table = Table("prior", "models", "mean |error|", "mean error", "Brier", "of its mean", title="Unmeasured models")
    for way in dict.fromkeys(row["way"] for row in rows):
        for word, is_sized in (("size said", True), ("size not said", False)):
            some = [r for r in rows if r["way"] == way and (r["parameters_billions"] is not None) == is_sized]
            if not some:
                continue
            off = np.array([row["predicted"] - row["measured"] for row in some])
            means = [float(np.mean([row[key] for row in some])) for key in ("brier", "brier_of_its_mean")]
            figures = (float(np.abs(off).mean()), float(off.mean()), *means)
            table.add_row(way, f"{len(some)}, {word}", *(f"{value:.3f}" for value in figures))
    return table
