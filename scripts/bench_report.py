"""`maestro bench report`: the benchmark pages from stored results. Rows that went badly stay in."""

import json
from pathlib import Path
from typing import Any

import click

from scripts.reporting.plots import cost_plot
from scripts.reporting.sections import kind_of, section

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
    """A picture for each table of a replay, written beside the page; how the page shows them."""
    shown = []
    for table, rows in result.get("tables", {}).items() if kind_of(result) == "replay" else ():
        picture = folder / f"{name}_{table}.svg"
        picture.write_text(cost_plot(table, rows), "utf-8")
        shown.append(f"![{table}]({picture.name})")
    return shown
