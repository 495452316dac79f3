"""`maestro judge`: how often each judge is right, and measuring one on labelled answers."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from action_model.prices import to_nanodollars
from proxy.assembly import build_router
from proxy.settings import SettingsError, load_settings
from router.errors import MaestroError
from router.judging.calibration import JudgeRates
from router.judging.judge import Judge, Terms
from router.ledger.ledger import Account
from router.ledger.purse import RunLimits, RunPurse
from scripts.judge_trial import Journal, Trial, read_pairs, summary
from scripts.rooms import config_option, json_option, show, with_ledger


@click.group()
def command() -> None:
    """Judges: LLMs that score what no check can decide, with error rates learnt from labelled verdicts."""


@command.command()
@config_option
@json_option
def report(config: Path | None, as_json: bool) -> None:
    """Labels and error rates by judge, prompt version and kind of requirement."""

    async def act(ledger: Any, _: Any) -> list[dict[str, Any]]:
        rates = JudgeRates(ledger)
        await rates.refresh()
        return rates.report()

    rows = with_ledger(config, act)
    if not rows and not as_json:
        click.echo("no labelled verdicts yet (maestro judge calibrate, feedback, or judge.audit_share)")
    show(rows, as_json)


@command.command()
@click.option("--pairs", type=click.Path(exists=True, path_type=Path), required=True, help="JSON lines (see below).")
@click.option("--judge", "name", help="The model, upstream/name; else the first configured judge.")
@click.option("--cap-usd", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Spend no more.")
@click.option("--journal", type=click.Path(path_type=Path), help="Verdicts are kept here; a second start goes on.")
@click.option("--parallel", type=click.IntRange(min=1), default=4, show_default=True, help="Pairs asked at once.")
@config_option
@json_option
def calibrate(
    pairs: Path,
    name: str | None,
    cap_usd: float,
    journal: Path | None,
    parallel: int,
    config: Path | None,
    as_json: bool,
) -> None:
    """Asks a judge about answers whose truth is known, and learns its error rates.

    Each line of the file: {"request", "answer", "requirement", "satisfied"}. Without "satisfied" the check that the
    requirement compiles to says the truth; a line without either is an error. A verdict in the journal is not asked
    for, nor learnt, again.
    """

    async def run() -> list[dict[str, Any]]:
        labelled = read_pairs(pairs)
        rooms = await build_router(load_settings(config))
        try:
            judge = rooms.upstreams.find(name) if name else rooms.verifier.judges[0]
            limits = RunLimits(to_nanodollars(cap_usd))
            purse = RunPurse(rooms.ledger, "calibrate", Account(), limits, asyncio.get_running_loop().time)
            trial = Trial(Judge(rooms.upstreams), judge, Terms(purse), rooms.verifier.rates, parallel)
            try:
                found = await trial.run(labelled, Journal(journal, judge.id))
            finally:
                await purse.close()
            return summary(labelled, found, purse.spent)
        finally:
            await rooms.close()

    try:
        rows = asyncio.run(run())
    except (SettingsError, MaestroError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)
    show(rows, as_json)
