"""`maestro bench plan`: how long planning the next wave takes, and how much a far more patient search would find."""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from msgspec.structs import replace
from rich.table import Table

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Evidence
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.facts import Facts
from action_model.learned import LearnedEstimator
from action_model.prices import Price
from router.efforts import EFFORTS
from router.planner import Situation, plan_wave
from router.planning.choice import channel
from router.planning.moves import build_moves
from router.planning.search import Effort, search
from router.planning.standing import standings
from router.task import Candidate, Requirement, Verdict
from scripts.bench_decide import timed
from scripts.reporting.console import report_console
from scripts.stamp import stamp

COUNTS = (1, 2, 4, 8, 16, 32, 64)
REQUIREMENTS = tuple(Requirement(f"r{number}", f"requirement {number}") for number in range(3))
TASKS = 20
PATIENT = Effort(kept=40, patience=0.0)


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), default=DEFAULT, help="Default: the one in the package.")
@click.option("--rounds", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(checkpoint: Path, rounds: int, json_path: Path | None) -> None:
    """The first wave and one after a failure, for 1 to 64 actions and three requirements, at every effort."""
    learnt, _ = load_checkpoint(checkpoint)
    estimator = LearnedEstimator(learnt)
    rows = [measure(estimator, learnt.models, count, effort, rounds) for count in COUNTS for effort in EFFORTS]
    if json_path is not None:
        json_path.write_text(json.dumps({"bench": "plan", "made": stamp(), "rows": rows}, indent=1), "utf-8")
    table = Table(
        "actions", "effort", "first p50 ms", "p99 ms", "CPU ms", "next p50 ms", "p99 ms", "CPU ms", "short by"
    )
    for row in rows:
        times = [f"{value:.2f}" for kind in ("first", "next") for value in row[kind].values()]
        table.add_row(str(row["actions"]), row["effort"], *times, f"{row['short']:.4f} ({row['shortest']:.4f})")
    report_console().print(table)


def measure(
    estimator: LearnedEstimator, models: tuple[str, ...], count: int, effort: str, rounds: int
) -> dict[str, Any]:
    """Milliseconds of a decision before any call and after one failure; `short`: mean and largest value missed."""
    situations = [situation(estimator, models, count, effort, number) for number in range(TASKS)]
    failed = [after_failure(one) for one in situations]
    first, then = iter(situations * rounds), iter(failed * rounds)
    short = [missed(one) for one in situations]
    return {
        "actions": count,
        "effort": effort,
        "first": timed(lambda: plan_wave(next(first)), rounds),
        "next": timed(lambda: plan_wave(next(then)), rounds),
        "short": float(np.mean(short)),
        "shortest": float(np.max(short)),
    }


def situation(estimator: LearnedEstimator, models: tuple[str, ...], count: int, effort: str, number: int) -> Situation:
    """A task with three requirements, before any call; half of the models are known."""
    offers = [
        Offer(
            Action(f"up/{i}", prompt="plain" if i % 4 < 2 else "careful"),
            Price(0.1 * 1.6 ** (i % 8), 0.4 * 1.6 ** (i % 8)),
            family=models[(7 * i) % len(models)].split(":", 1)[1] if i % 2 else f"unknown-{i}",
        )
        for i in range(count)
    ]
    portfolio, kinds = Portfolio(tuple(offers)), ("max_words", "keyword", "max_words")
    text = f"Question {number}: " + "what is the sum of these numbers and why does it hold? " * (1 + number % 12)
    belief = estimator.believe(Facts(text, 200, requirement_kinds=kinds), portfolio)
    tradeoff = {str(name): value for name, value in EFFORTS.items()}[effort]
    return Situation(belief, portfolio, tradeoff, requirements=REQUIREMENTS, kinds=kinds, nanodollars_left=10**9)


def after_failure(before: Situation) -> Situation:
    """The same once the first action has failed a check."""
    action = before.portfolio.actions[0]
    verdicts = tuple(Verdict(r.name, 0.0 if r is REQUIREMENTS[0] else 1.0, "measured", "check") for r in REQUIREMENTS)
    candidate = Candidate("c0", action, b"", "", verdicts=verdicts, score=0.5)
    failed = Evidence(0.0, 1.0)
    return replace(before, belief=before.belief.after(0, failed), candidates=(candidate,), evidence={"c0": failed})


def missed(one: Situation) -> float:
    """How much more the best plan of a patient search is worth than the best that is found in service."""
    moves, seen = build_moves(one, ()), channel(one, standings(one))
    found, most = (search(moves, seen, one.tradeoff, effort) for effort in (Effort(), PATIENT))
    return max(float(layer.values.max()) for layer in most) - max(float(layer.values.max()) for layer in found)
