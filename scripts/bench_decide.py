"""`maestro bench decide`: how long one decision's predictions take, on one thread."""

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Table

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Evidence
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.facts import Facts
from action_model.features import featurize
from action_model.learned import LearnedEstimator
from action_model.prices import Price
from scripts.reporting.console import report_console

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 500)


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), default=DEFAULT, help="Default: the one in the package.")
@click.option("--rounds", type=click.IntRange(1), default=300, show_default=True)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(checkpoint: Path, rounds: int, json_path: Path | None) -> None:
    """Features and belief of a new text, and the update after a verdict, for 1 to 500 actions: wall and CPU time."""
    learnt, _ = load_checkpoint(checkpoint)
    estimator = LearnedEstimator(learnt)
    featurize(["warm"])
    found = {count: measure(estimator, learnt.models, count, rounds) for count in COUNTS}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if json_path is not None:
        json_path.write_text(json.dumps({"actions": found, "peak_mib": memory}, indent=1), "utf-8")
    table = Table("actions", "believe p50 ms", "p99 ms", "CPU p50 ms", "update p50 ms", "p99 ms", "CPU p50 ms")
    for count, row in found.items():
        table.add_row(str(count), *(f"{value:.3f}" for kind in row.values() for value in kind.values()))
    report_console().print(table, f"memory of this process: at most {memory:.0f} MiB")


def measure(estimator: LearnedEstimator, models: tuple[str, ...], count: int, rounds: int) -> dict[str, Any]:
    """Both steps for `count` actions: half of models that are known, half of models that are not."""
    offers = [
        Offer(
            Action(f"up/{i}", prompt="plain" if i < count // 2 else "careful"),
            Price(0.1 + i % 7, 0.4 + i % 9),
            family=models[i % len(models)].split(":", 1)[1] if i % 2 else f"unknown-{i}",
        )
        for i in range(count)
    ]
    portfolio = Portfolio(tuple(offers))
    texts = iter(
        f"Question {count} {i}: " + "what is the sum of these numbers and why does it hold? " * 12 + "Say it."
        for i in range(10**9)
    )

    def believe() -> None:
        estimator.believe(Facts(next(texts), 200, requirement_kinds=("judge", "max_words")), portfolio)

    believe()
    belief = estimator.believe(Facts(next(texts), 200), portfolio)
    return {"believe": timed(believe, rounds), "update": timed(lambda: belief.after(0, Evidence(0.1, 0.9)), rounds)}


def timed(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """Milliseconds: wall p50 and p99, and CPU p50, which other processes do not lengthen."""
    wall, cpu = np.empty(rounds), np.empty(rounds)
    for i in range(rounds):
        began, began_cpu = time.perf_counter(), time.thread_time()
        work()
        wall[i], cpu[i] = time.perf_counter() - began, time.thread_time() - began_cpu
    return {
        "p50_ms": 1e3 * float(np.percentile(wall, 50)),
        "p99_ms": 1e3 * float(np.percentile(wall, 99)),
        "cpu_p50_ms": 1e3 * float(np.percentile(cpu, 50)),
    }
