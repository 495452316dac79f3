"""`maestro bench repair`: what the planner expected of its next action against what came, and when it stopped.

On outcome tables (`--data`): every wave's predicted chance against its outcome, and each stop against one who knows the
table. On stored runs (`--config`): repairs and samples, expected against actual, and money spent after the best answer.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table as Shown

from proxy.ledgers import make_ledger
from proxy.settings import Settings, load_settings
from router.ledger.ledger import RunQuery
from router.planner import Tradeoff
from scripts.bench_replay import FALSE_PASSES, SHARES, Field, evenly
from scripts.replay.beliefs import portfolio_of
from scripts.replay.hindsight import look_back, summary, thresholds
from scripts.replay.planned import Rules
from scripts.replay.reliability import after_failures
from scripts.replay.tables import load_tables
from scripts.reporting.console import report_console
from scripts.stamp import stamp
from scripts.stored_repairs import Trace, endings, repairs

QUALITIES = (0.7, 0.8, 0.9, 0.95, 0.99)
CHEAP = 0.02
"""What the best single model's cost is worth, in satisfied tasks, where thresholds alone are to decide."""


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Outcome tables.")
@click.option("--tables", default="zeroeval_28", show_default=True)
@click.option("--train", "train_split", default="train", show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--most", default=400, show_default=True, help="At most so many test prompts a table, evenly taken.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Stored runs of a proxy.")
@click.option("--limit", default=5000, show_default=True, help="The latest so many runs.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(
    data: Path | None, tables: str, config: Path | None, limit: int, json_path: Path | None, **options: Any
) -> None:
    """Expected against actual benefit, and stops that came too early or too late."""
    if data is None and config is None:
        raise click.UsageError("say --data DIR, --config FILE or both")
    found: dict[str, Any] = {}
    if data is not None:
        found["tables"] = {name: replayed(data, name, options) for name in tables.split(",")}
    if config is not None:
        traces = asyncio.run(stored(load_settings(config), limit))
        found["runs"] = {"actions": repairs(traces), "endings": endings(traces)}
    if json_path is not None:
        json_path.write_text(json.dumps({"bench": "repair", "made": stamp(), **found}, indent=1), "utf-8")
    for table in shown(found):
        report_console().print(table)


def replayed(data: Path, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """One table at the three costs, exact verifier, one answer at a time."""
    train_split, test_split = options["train_split"], options["test_split"]
    loaded = load_tables(data, name, (train_split, test_split))
    train, test = loaded[train_split], evenly(loaded[test_split], options["most"])
    field = Field.of(train, test, lambda: None)
    found = {}
    for share in SHARES:
        tradeoff = field.fit(share * field.train_usd, Rules())
        steps, ends = look_back(test, field.beliefs.test, portfolio_of(train), tradeoff, Rules())
        found[f"{share:g}"] = {"usd_value": tradeoff.usd, **summary(steps, ends)}
    return {"costs": found, "thresholds": honoured(field), "after_failures": after_failures(test, field.beliefs.test)}


def honoured(field: Field) -> list[dict[str, Any]]:
    """Quality thresholds where a tenth of the wrong answers pass the check, and money hardly counts."""
    rules = Rules(false_pass=FALSE_PASSES, judge_usd=0.05 * field.usd)
    return thresholds(field.test, field.beliefs.test, Tradeoff(usd=CHEAP / field.train_usd), rules, QUALITIES)


async def stored(settings: Settings, limit: int) -> list[Trace]:
    """The trees of the latest runs that had requirements."""
    ledger = make_ledger(settings.ledger)
    await ledger.start()
    try:
        runs = await ledger.list_runs(RunQuery(limit=limit))
        traces = [trace for run in runs if (trace := await ledger.find_run(run["id"])) is not None]
    finally:
        await ledger.close()
    return [trace for trace in traces if any(c["verdicts"] for c in trace["candidates"])]


def honest(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """Quality thresholds, predicted against actual."""
    table = Shown("quality threshold", "reached", "predicted", "actual")
    for row in rows:
        told = ["-" if row[key] is None else f"{row[key]:.3f}" for key in ("predicted", "actual")]
        table.add_row(f"{row['quality']:g}", f"{row['reached']} of {row['tasks']}", *told)
    return table


def reliable(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """A random model's chance after failures, expected against actual."""
    table = Shown("failures so far", "count", "expected of a random next model", "actual")
    for row in rows:
        actual = f"{row['actual']:.3f} ± {1.96 * row['error']:.3f}"
        table.add_row(str(row["failures"]), str(row["count"]), f"{row['expected']:.3f}", actual)
    return table


def shown(found: Mapping[str, Any]) -> list[Shown]:
    """Expected and actual by wave, losses by cost; stored actions."""
    made = []
    for name, one in found.get("tables", {}).items():
        shares = one["costs"]
        table = Shown("cost aimed at", "wave", "count", "expected", "actual", title=f"{name}: chance of the next wave")
        for share, row in shares.items():
            for wave in row["waves"]:
                numbers = (f"{wave['expected']:.3f}", f"{wave['actual']:.3f} ± {1.96 * wave['error']:.3f}")
                table.add_row(share, wave["name"], str(wave["count"]), *numbers)
        losses = {share: {k: round(v, 3) for k, v in row["losses"].items()} for share, row in shares.items()}
        table.caption = f"endings: { ({s: r['endings'] for s, r in shares.items()}) }\nlosses a task: {losses}"
        made += [table, honest(one["thresholds"]), reliable(one["after_failures"])]
    if "runs" in found:
        table = Shown("technique", "repairs", "count", "expected", "actual", "gain in score", title="stored runs")
        for row in found["runs"]["actions"]:
            told = ["-" if row[key] is None else f"{row[key]:.3f}" for key in ("expected", "actual", "gain")]
            table.add_row(row["technique"], str(row["repairs"]), str(row["count"]), *told)
        table.caption = str(found["runs"]["endings"])
        made.append(table)
    return made
