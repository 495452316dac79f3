"""`maestro evaluate`: the predictors against each other on outcome tables."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from action_model.evaluate import evaluate_grid
from action_model.outcomes import SELECTIONS, Grid, read_grids, selection_of
from action_model.repeated import TABLES, repeat_figures
from scripts.offline.reports import evaluation_page

ALL = ",".join(SELECTIONS)


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--train", "train_split", default="train", show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True, help="Any split of the tables.")
@click.option("--tables", default=ALL, show_default=True, help="Benchmarks or tables, by comma.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Where every figure goes.")
@click.option("--html", "html_path", type=click.Path(dir_okay=False, path_type=Path), help="A report with plots.")
def command(
    data: Path, train_split: str, test_split: str, tables: str, json_path: Path | None, html_path: Path | None
) -> None:
    """Baselines and our estimator on outcome tables: frontier, calibration, joint likelihood."""
    console = Console(stderr=True)
    names = chosen_benchmarks(tables, data)
    found: dict[str, Any] = {}
    held: dict[str, Grid] = {}
    for position, name in enumerate(names, 1):
        with console.status(f"{name} ({position} of {len(names)})") as status:
            selection = selection_of(name, data)
            assert selection is not None, "chosen_benchmarks names only what is there"
            grids = read_grids(data, selection, [train_split, test_split])
            train, test = grids[train_split], grids[test_split]
            if not train.prompts or not test.prompts:
                console.print(f"{name}: no prompts in split '{train_split}' or '{test_split}'; left out")
                continue
            held[name] = test
            found[name] = evaluate_grid(train, test, lambda what, n=name: status.update(f"{n}: {what}"))  # type: ignore[misc]
    for table in (name for name in TABLES if tables in (ALL, name) and (data / name / "outcomes.parquet").is_file()):
        if repeats := repeat_figures(data, table, train_split, test_split):
            found[f"repeats_{table}"] = repeats
    if json_path is not None:
        json_path.write_text(json.dumps(found, indent=1), "utf-8")
    if html_path is not None:
        evaluation_page(found, held).write(html_path)
    Console().print(table_of(found))


def chosen_benchmarks(tables: str, data: Path) -> list[str]:
    """Named benchmarks; the name of a table stands for all benchmarks made from it, or for itself."""
    names: list[str] = []
    for word in filter(None, (part.strip() for part in tables.split(","))):
        made = [name for name, selection in SELECTIONS.items() if word in (name, selection.table)]
        if not made and selection_of(word, data) is not None:
            made = [word]
        if not made:
            raise click.BadParameter(f"unknown table '{word}'; known: {', '.join(SELECTIONS)}", param_hint="--tables")
        names += [name for name in made if name not in names]
    return names


def table_of(found: dict[str, Any]) -> Table:
    """AIQ of every estimator, a row a benchmark."""
    shown = ("best_single", "knn", "ridge", "mlp", "category_mean", "ours", "oracle")
    table = Table("benchmark", "hull", *shown, title="AIQ")
    for name, figures in found.items():
        if "estimators" not in figures:
            continue
        row = [f"{figures['estimators'][estimator]['aiq']:.4f}" for estimator in shown]
        table.add_row(name, f"{figures['hull']:.4f}", *row)
    return table
