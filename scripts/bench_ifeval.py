"""`maestro bench ifeval`: instruction following on the configured upstreams (IFEval, arXiv 2311.07911).

The grader is `if-verifiable`, never our own checks. Answers are kept in a journal: an interrupted run goes on where it
was. Prompts come in the order of their hash, so that the first N are a fair sample of their half.
"""

from pathlib import Path
from typing import Any, cast

import click

from scripts.ifeval.playing import bench, carry_out, playing
from scripts.ifeval.prompts import Half, read_prompts

__all__ = ["carry_out", "command"]

MISSING = "the grader is not installed: pip install 'if-verifiable==0.1.2'"


@click.command()
@click.option("--prompts", type=click.Path(exists=True, path_type=Path), required=True, help="JSONL, folder, wheel.")
@playing
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), default=Path("ifeval.json"))
def command(prompts: Path, config: Path, json_path: Path, journal: Path | None, **options: Any) -> None:
    """IFEval through the router: one call, best-of-n, fix-only, and Maestro at each effort."""
    try:
        found = read_prompts(prompts, cast(Half, options["half"]))[: options["most"]]
    except ModuleNotFoundError as error:
        raise click.ClickException(MISSING) from error
    bench("ifeval", config, found, json_path, journal, options)
