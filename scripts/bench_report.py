"""`maestro bench report`: the benchmark pages from stored results. Rows that went badly stay in."""

import json
import re
from pathlib import Path
from typing import Any

import click

from scripts.reporting.panels import by_labels, side_by_side
from scripts.reporting.plots import Mark, cost_plot, line_plot, mark_plot
from scripts.reporting.sections import kind_of, section

MODES = ("code", "judge")
HEAD = """\
# Benchmarks

Made by `maestro bench report` from the results in `results/`, whatever they say. Each section names the command that
made it; run it again with `--json docs/benchmarks/results/NAME.json`, and then `maestro bench report`.
"""


@click.command()
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/benchmarks"), show_default=True
)
def command(folder: Path) -> None:
    """Write FOLDER/README.md and its plots from FOLDER/results/*.json."""
    results = {path.stem: read(path) for path in sorted((folder / "results").glob("*.json"))}
    known = {name: result for name, result in results.items() if kind_of(result)}
    if not known:
        raise click.ClickException(f"no results in {folder / 'results'}: run a bench with --json into it")
    for name in sorted(set(results) - set(known)):
        click.echo(f"{name}.json is of no kind that is shown", err=True)
    page = [HEAD]
    for name, result in known.items():
        page += [section(name, result), *plots(folder, name, result)]
    (folder / "README.md").write_text("\n\n".join(page).rstrip() + "\n", "utf-8")
    click.echo(f"{folder / 'README.md'}: {', '.join(known)}")


def read(path: Path) -> dict[str, Any]:
    """One stored result."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from None
    return value if isinstance(value, dict) else {}


def plots(folder: Path, name: str, result: dict[str, Any]) -> list[str]:
    """The pictures of a result, written beside the page; how the page shows them."""
    shown = []
    for title, drawn in pictures(result).items():
        picture = folder / f"{name}_{re.sub('[^a-z0-9]+', '_', title.lower()).strip('_')}.svg"
        picture.write_text(drawn, "utf-8")
        shown.append(f"![{title}]({picture.name})")
    return shown


def pictures(result: dict[str, Any]) -> dict[str, str]:
    """Policies by cost, arms by tokens, samples by money; nothing for other kinds."""
    kind = kind_of(result)
    if kind == "replay":
        return {table: cost_plot(table, rows) for table, rows in result["tables"].items()}
    if kind in ("ifeval", "following"):
        return {mode: arms_plot(f"{kind}, {mode} mode", result[mode]["arms"]) for mode in MODES if mode in result}
    if kind == "onboard":
        return {f"{result['table']} by labels": labels_plot(result["rows"])}
    if kind == "scaling":
        cases = (case for case in result["cases"] if len(case["rows"]) > 1)
        return {f"{place} {case['name']}": samples_plot(case) for place, case in enumerate(cases, 1)}
    return {}


def arms_plot(title: str, arms: dict[str, Any]) -> str:
    """Prompts right against output tokens."""
    marks = [Mark(name, row["output_tokens"], row["prompt_accuracy"]) for name, row in arms.items()]
    return mark_plot(f"{title}: prompts right against output tokens (log)", marks, lambda value: f"{value:.0f}")


def labels_plot(rows: list[dict[str, Any]]) -> str:
    """AUC, as a share of full training's, and Brier score by number of labels, for both ways of asking."""
    counts = sorted({row["labels"] for row in rows})

    def curve(key: str, way: str) -> list[float]:
        some = [[row[key] for row in rows if (row["way"], row["labels"]) == (way, count)] for count in counts]
        return [sum(values) / len(values) for values in some]

    ways = sorted({row["way"] for row in rows})
    share = {way: curve("auc_share", way) for way in ways}
    brier = {way: curve("brier", way) for way in ways} | {"constant": curve("brier_of_constant", ways[0])}
    return side_by_side(
        [by_labels("AUC, of full training's, by labels", share, counts), by_labels("Brier, by labels", brier, counts)]
    )


def samples_plot(case: dict[str, Any]) -> str:
    """What N samples bring by money, and the strong action once."""
    lines = {
        said: [Mark(said, row["usd"], row[key]) for row in case["rows"]]
        for key, said in (("verified", "checked"), ("doubtful", "check that errs"), ("majority", "majority"))
        if case["rows"][0][key] is not None
    }
    points = [Mark(f"{case['strong']}, once", case["once"]["usd"], case["once"]["verified"])] if case["strong"] else []
    return line_plot(f"{case['name']}: {case['weak']} N times, by money (log)", lines, points)
