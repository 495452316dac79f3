"""`maestro efforts`: what a dollar is worth at each effort, fitted so that a run costs on the mean what you state."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from router.planner import Tradeoff
from scripts.bench_replay import evenly, fit_tradeoff
from scripts.replay.beliefs import portfolio_of
from scripts.replay.fixed import best_single, single
from scripts.replay.latent import latent_beliefs
from scripts.replay.planned import Rules, play
from scripts.replay.tables import load_tables

HALVINGS = 12
SHARES = "low=0.1,medium=0.3,high=0.6"
NOTE = "# Fitted on {table}, {prompts} tasks; the best single model costs ${usd:.6f} a task there.\n"
POINT = "[efforts.{name}]          # ${goal:.6f} a task aimed at; ${fitted:.6f} there, ${held:.6f} on tasks not seen\n"
VALUES = "usd = {usd:.4g}\nseconds = 0.0\n"


def read_shares(text: str) -> dict[str, float]:
    """Efforts and the share of the best single model's mean cost that each may take. Raises BadParameter."""
    shares = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            shares[name.strip()] = float(value)
        except ValueError:
            raise click.BadParameter(f"{part!r} is not NAME=SHARE", param_hint="--shares") from None
    if set(shares) - {"low", "medium", "high"} or min(shares.values()) <= 0:
        raise click.BadParameter("names are low, medium and high, shares above 0", param_hint="--shares")
    return shares


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--table", required=True, help="An outcome table: of the data, or one that `maestro collect` wrote.")
@click.option("--train", "train_split", default="train", show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--shares", default=SHARES, show_default=True, help="Of the best single model's mean cost.")
@click.option("--most", default=400, show_default=True, help="At most so many tasks of each split, evenly taken.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(data: Path, table: str, train_split: str, test_split: str, shares: str, most: int, as_json: bool) -> None:
    """Fit effort levels by bisection on outcomes, and print them as settings."""
    wanted = read_shares(shares)
    loaded = load_tables(data, table, (train_split, test_split))
    train, test = loaded[train_split], evenly(loaded[test_split], most)
    beliefs = latent_beliefs(train, test)
    taken = np.arange(0, train.count, max(1, -(-train.count // most)))
    sample, seen = train.take(taken), [beliefs.train[i] for i in taken.tolist()]
    base = float(single(train, best_single(train)).usd.mean())
    rows: dict[str, Any] = {}
    with Progress(console=Console(stderr=True)) as progress:
        for name, share in wanted.items():
            step = progress.add_task(name, total=None)
            fitted = fit_tradeoff(sample, seen, share * base, Rules(), partial(progress.advance, step), HALVINGS)
            costs = [cost(sample, seen, fitted), cost(test, beliefs.test, fitted)]
            rows[name] = {
                "usd_value": fitted.usd,
                "goal_usd": share * base,
                "train_usd": costs[0],
                "test_usd": costs[1],
            }
    if as_json:
        click.echo(json.dumps({"table": table, "tasks": sample.count, "best_single_usd": base, "efforts": rows}))
        return
    click.echo(NOTE.format(table=table, prompts=sample.count, usd=base))
    for name, row in rows.items():
        told = POINT.format(name=name, goal=row["goal_usd"], fitted=row["train_usd"], held=row["test_usd"])
        click.echo(told + VALUES.format(usd=row["usd_value"]))


def cost(table: Any, beliefs: Any, tradeoff: Tradeoff) -> float:
    """The mean dollars of a task."""
    return float(play(table, beliefs, portfolio_of(table), tradeoff, Rules(), lambda: None).usd.mean())
