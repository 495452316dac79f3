"""`maestro evaluate`: the predictors against each other on outcome tables."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from action_model.checkpoint import CheckpointError, load_checkpoint
from action_model.costed import with_costs
from action_model.evaluate import evaluate_with
from action_model.learned import LearnedEstimator
from action_model.offline.figures import predictions
from action_model.outcomes import SELECTIONS, Grid, read_grids, selection_of
from action_model.repeated import TABLES, repeat_figures
from proxy.settings import SettingsError
from scripts.offline.in_use import checkpoint_in_use
from scripts.offline.reports import Judged, add_estimators, judged, page_of, words_of, write_page
from scripts.reporting.console import report_console
from scripts.reporting.panels import reliability

ALL = ",".join(SELECTIONS)


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--train", "train_split", default="train", show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True, help="Any split of the tables.")
@click.option("--tables", default=ALL, show_default=True, help="Benchmarks or tables, by comma.")
@click.option("--config", type=click.Path(path_type=Path), help="The settings file: it names the checkpoint in use.")
@click.option(
    "--against", type=click.Path(path_type=Path), help="The checkpoint in use; default: that of the settings."
)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Where every figure goes.")
@click.option(
    "--html",
    "html_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The report with plots; default: beside the JSON, else evaluation.html.",
)
@click.option(
    "--svg",
    "svg_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Reliability diagrams of all tables, as one picture.",
)
def command(
    data: Path,
    train_split: str,
    test_split: str,
    tables: str,
    config: Path | None,
    against: Path | None,
    json_path: Path | None,
    html_path: Path | None,
    svg_path: Path | None,
) -> None:
    """Baselines, our estimator and the checkpoint in use on outcome tables: frontier, calibration, what is better."""
    console = Console(stderr=True)
    names = chosen_benchmarks(tables, data)
    try:
        in_use = LearnedEstimator(load_checkpoint(checkpoint_in_use(config, against))[0])
    except (SettingsError, CheckpointError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)
    found: dict[str, Any] = {}
    held: list[Judged] = []
    for position, name in enumerate(names, 1):
        with console.status(f"{name} ({position} of {len(names)})") as status:
            splits = _costed(name, data, [train_split, test_split], console)
            if splits is None:
                console.print(f"{name}: no prompts in split '{train_split}' or '{test_split}'; left out")
                continue
            train, test = splits
            told = predictions(in_use, test)
            one = evaluate_with(train, test, told, lambda what, n=name: status.update(f"{n}: {what}"))  # type: ignore[misc]
            held.append(judged(name, test, one.ours, told))
            found[name] = one.figures | {"change": changed(held[-1])}
    for table in (name for name in TABLES if tables in (ALL, name) and (data / name / "outcomes.parquet").is_file()):
        if repeats := repeat_figures(data, table, train_split, test_split):
            found[f"repeats_{table}"] = repeats
    if json_path is not None:
        json_path.write_text(json.dumps(found, indent=1), "utf-8")
    if svg_path is not None:
        svg_path.write_text(reliability({one.table: bins_of(one) for one in held}), "utf-8")
    beside = Path("evaluation.html") if json_path is None else json_path.with_suffix(".html")
    tell(found, held, html_path or beside)


def _costed(name: str, data: Path, splits: Sequence[str], console: Console) -> tuple[Grid, Grid] | None:
    """A benchmark's train and test prompts, of the models with a cost; None: there are none in one of the splits."""
    selection = selection_of(name, data)
    assert selection is not None, "chosen_benchmarks names only what is there"
    grids = read_grids(data, selection, splits)
    train, test, free = with_costs(*(grids[split] for split in splits))
    if free:
        console.print(f"{name}: no cost of {', '.join(free)}; left out", markup=False, highlight=False)
    return (train, test) if train.prompts and test.prompts else None


def bins_of(one: Judged) -> dict[str, list[tuple[float, float]]]:
    """Predicted and observed success in ten bins of equal size: of the checkpoint in use, and fitted to the table."""
    both = {"in use": one.before, "fitted to this table": one.after}
    return {word: [(x, y) for x, y in told.bins.tolist()] for word, told in both.items() if told is not None}


def changed(one: Judged) -> dict[str, float]:
    """A fit to the train split against the checkpoint in use, for the JSON."""
    return {} if one.change is None else asdict(one.change)


def tell(found: dict[str, Any], held: list[Judged], path: Path) -> None:
    """The report: a few lines, the table, and the page."""
    console, lines = report_console(), words_of(held)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(table_of(found))
    page = page_of(held, lines, "Evaluation")
    add_estimators(page, found)
    console.print(write_page(page, path), markup=False)


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
    shown = ("best_single", "knn", "ridge", "mlp", "category_mean", "in_use", "ours", "oracle")
    table = Table("benchmark", "hull", *shown, title="AIQ")
    for name, figures in found.items():
        if "estimators" not in figures:
            continue
        row = [f"{figures['estimators'][estimator]['aiq']:.4f}" for estimator in shown]
        table.add_row(name, f"{figures['hull']:.4f}", *row)
    return table
