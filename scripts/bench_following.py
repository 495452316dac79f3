"""`maestro bench following`: loosely worded requirements on real texts, on the configured upstreams.

The same arms and journal as `maestro bench ifeval`; tasks and graders are the project's own (`scripts/following`), and
the graders share no code with the checks that Maestro compiles.
"""

import json
from pathlib import Path
from typing import Any, cast

import click

from scripts.following.tasks import read_tasks
from scripts.ifeval.playing import bench, playing
from scripts.ifeval.prompts import Half

LISTED = click.option(
    "--list",
    "is_listed",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, wanted: list_tasks(context) if wanted else None,
    help="Print the tasks as JSON lines, with their requirements and graders, and do nothing else.",
)


def list_tasks(context: click.Context) -> None:
    """Every task of both halves."""
    for task in read_tasks():
        click.echo(json.dumps(task.told(), ensure_ascii=False))
    context.exit()


@click.command()
@playing
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), default=Path("following.json"))
@LISTED
def command(config: Path, json_path: Path, journal: Path | None, **options: Any) -> None:
    """The following set through the router: one call, best-of-n, fix-only, and Maestro at each effort."""
    found = read_tasks(cast(Half, options["half"]))[: options["most"]]
    bench("following", config, found, json_path, journal, options)
