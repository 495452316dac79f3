"""`maestro ledger`: what was spent."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from router.ledger.ledger import Discrepancy
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from scripts.rooms import config_option, json_option, show, with_ledger


@click.group()
def command() -> None:
    """The record of reservations and charges."""


@command.command()
@config_option
@json_option
def totals(config: Path | None, as_json: bool) -> None:
    """Sums over all settled and estimated charges."""

    async def act(ledger: SqliteLedger, _: Registry) -> Mapping[str, Any]:
        return await ledger.totals()

    show(with_ledger(config, act), as_json)


@command.command()
@config_option
@json_option
def check(config: Path | None, as_json: bool) -> None:
    """Do the books balance? Ends with 1 if a counter does not agree with its rows."""

    async def act(ledger: SqliteLedger, _: Registry) -> list[Discrepancy]:
        return list(await ledger.check())

    found = with_ledger(config, act)
    show({"balanced": not found, "discrepancies": [repr(row) for row in found]}, as_json)
    sys.exit(1 if found else 0)


@command.command()
@click.option("--keep-days", type=click.IntRange(min=0), default=90, show_default=True)
@config_option
@json_option
def prune(keep_days: int, config: Path | None, as_json: bool) -> None:
    """Archive old charges as daily sums, forget old runs, outcomes and audit entries, and give back the space."""

    async def act(ledger: SqliteLedger, _: Registry) -> Mapping[str, int]:
        counts = await ledger.prune(keep_days)
        await ledger.vacuum()
        return counts

    show(dict(with_ledger(config, act)), as_json)
