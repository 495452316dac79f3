"""`maestro efforts`: what a dollar is worth at each effort, fitted so that a task costs on the mean what you state."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from action_model.belief import Belief
from action_model.metrics import interval
from router.planner import Tradeoff
from scripts.bench_replay import evenly
from scripts.replay.beliefs import portfolio_of
from scripts.replay.curves import HALVES, WORTHS, Curve, curve, expected_usd, worths_for
from scripts.replay.fixed import best_single, single
from scripts.replay.latent import latent_beliefs
from scripts.replay.planned import Rules, play
from scripts.replay.steered import play_steered
from scripts.replay.tables import Table, load_tables
from scripts.stamp import stamp

SHARES = "low=0.1,medium=0.3,high=0.6"
NOTE = "# Fitted on {table}, {tasks} tasks; the best single model costs ${usd:.6f} a task there.\n"
POINT = """\
[efforts.{name}]          # ${goal_usd:.6f} a task aimed at, ${train_usd:.6f} there
# fitted on one half, the other costs {bias:+.1%} ± {spread:.1%} (mean and standard deviation of {halves} halves)
# {held} tasks not seen: ${held_usd:.6f} ({low:.6f} to {high:.6f}), {off:+.1%}, {right:.3f} right;
# the planner expected {shift:+.1%} of them; steered by mean_usd, in {orders} orders: {steered_low:+.1%} to
# {steered_high:+.1%}, {steered_right:.3f} right
usd = {usd_value:.4g}
seconds = 0.0
mean_usd = {goal_usd:.6g}
"""
ORDERS = 8
"""Random orders in which the held tasks come where spending is steered."""


@dataclass(frozen=True)
class Level:
    """One effort: the worth of a dollar for a stated mean cost, and how near tasks not seen come to it.

    `bias` and `spread` by halves of the train tasks; `shift` is how much dearer the planner expected the held tasks to
    be than the train tasks, which no fit on the train tasks can know. `steered` is how far the mean cost of the held
    tasks is off the goal, in each of some orders, where what they cost steers what a dollar is worth.
    """

    usd_value: float
    goal_usd: float
    train_usd: float
    bias: float
    spread: float
    held_usd: float
    held_interval: tuple[float, float]
    shift: float
    right: float
    steered: tuple[float, ...]
    steered_right: float


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
@click.option("--most", default=600, show_default=True, help="At most so many tasks of each split, evenly taken.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--to", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Or write it, for the report.")
def command(
    data: Path,
    table: str,
    train_split: str,
    test_split: str,
    shares: str,
    most: int,
    as_json: bool,
    json_path: Path | None,
) -> None:
    """Fit effort levels to stated mean costs on outcomes, and print them as settings."""
    wanted = read_shares(shares)
    loaded = load_tables(data, table, (train_split, test_split))
    train, test = loaded[train_split], evenly(loaded[test_split], most)
    beliefs = latent_beliefs(train, test)
    taken = np.arange(0, train.count, max(1, -(-train.count // most)))
    sample, seen = train.take(taken), [beliefs.train[i] for i in taken.tolist()]
    base = float(single(train, best_single(train)).usd.mean())
    with Progress(console=Console(stderr=True)) as progress:
        step = progress.add_task("worths", total=WORTHS)
        played = curve(sample, seen, worths_for(base), partial(progress.advance, step))
    levels = {name: fit(played, share * base, (sample, seen), (test, beliefs.test)) for name, share in wanted.items()}
    told = {"bench": "efforts", "made": stamp(), "table": table, "tasks": sample.count, "held": test.count}
    told |= {"best_single_usd": base, "efforts": {name: asdict(level) for name, level in levels.items()}}
    if json_path is not None:
        json_path.write_text(json.dumps(told, indent=1), "utf-8")
    click.echo(json.dumps(told) if as_json else settings(levels, table, sample.count, test.count, base))


def fit(
    played: Curve, goal_usd: float, train: tuple[Table, Sequence[Belief]], held: tuple[Table, Sequence[Belief]]
) -> Level:
    """One level, and what it costs on tasks not seen."""
    worth, (bias, spread) = played.worth_at(goal_usd), played.error(goal_usd)
    outcome = play(held[0], held[1], portfolio_of(held[0]), Tradeoff(usd=worth), Rules())
    steered = [play_steered(*held, Tradeoff(usd=worth), goal_usd, seed) for seed in range(ORDERS)]
    shift = expected_usd(*held, worth).mean() / max(expected_usd(*train, worth).mean(), 1e-15) - 1.0
    return Level(
        usd_value=worth,
        goal_usd=goal_usd,
        train_usd=played.cost_at(worth, np.arange(train[0].count)),
        bias=bias,
        spread=spread,
        held_usd=float(outcome.usd.mean()),
        held_interval=interval(lambda rows: float(outcome.usd[rows].mean()), len(outcome.usd)),
        shift=float(shift),
        right=float(outcome.right.mean()),
        steered=tuple(float(one.usd.mean()) / goal_usd - 1.0 for one in steered),
        steered_right=float(np.mean([one.right.mean() for one in steered])),
    )


def settings(levels: Mapping[str, Level], table: str, tasks: int, held: int, base_usd: float) -> str:
    """As tables for `maestro.toml`, with how good they are as comments."""
    lines = [NOTE.format(table=table, tasks=tasks, usd=base_usd)]
    for name, level in levels.items():
        low, high = level.held_interval
        off = level.held_usd / level.goal_usd - 1.0
        more = {"halves": HALVES, "held": held, "low": low, "high": high, "off": off, "orders": ORDERS}
        more |= {"steered_low": min(level.steered), "steered_high": max(level.steered)}
        lines.append(POINT.format(name=name, **asdict(level), **more))
    return "\n".join(lines)
