"""`maestro ledger`: the record of reservations and charges, and what may be forgotten of it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from router.ledger.ledger import Discrepancy, Ledger, RunQuery, Spend
from router.ledger.registry import Registry
from scripts.rooms import config_option, csv_option, json_option, show, show_rows, with_ledger

limit_option = click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
team_option = click.option("--team")
key_option = click.option("--key", "key_id", help="A key's id.")


@click.group()
def command() -> None:
    """The record of reservations and charges."""


@command.command()
@config_option
@json_option
def totals(config: Path | None, as_json: bool) -> None:
    """Sums over all settled and estimated charges."""

    async def act(ledger: Ledger, _: Registry) -> Mapping[str, Any]:
        return await ledger.totals()

    show(with_ledger(config, act), as_json)


@command.command()
@config_option
@json_option
def check(config: Path | None, as_json: bool) -> None:
    """Do the books balance? Ends with 1 if a counter does not agree with its rows."""

    async def act(ledger: Ledger, _: Registry) -> list[Discrepancy]:
        return list(await ledger.check())

    found = with_ledger(config, act)
    show({"balanced": not found, "discrepancies": [repr(row) for row in found]}, as_json)
    sys.exit(1 if found else 0)


@command.command()
@click.option("--since", help="First day, YYYY-MM-DD (UTC).")
@click.option("--until", help="Last day.")
@team_option
@key_option
@limit_option
@config_option
@json_option
@csv_option
def charges(limit: int, config: Path | None, as_json: bool, as_csv: bool, **where: Any) -> None:
    """The charges one by one with tokens and the price used, newest first."""

    async def act(ledger: Ledger, _: Registry) -> list[Mapping[str, Any]]:
        return list(await ledger.list_charges(Spend((), **where), limit))

    show_rows(with_ledger(config, act), as_json, as_csv)


@command.command()
@team_option
@key_option
@click.option("--model")
@limit_option
@config_option
@json_option
@csv_option
def runs(limit: int, config: Path | None, as_json: bool, as_csv: bool, **where: Any) -> None:
    """Stored runs, newest first."""

    async def act(ledger: Ledger, _: Registry) -> list[Mapping[str, Any]]:
        return list(await ledger.list_runs(RunQuery(**where, limit=limit)))

    show_rows(with_ledger(config, act), as_json, as_csv)


@command.command()
@limit_option
@config_option
@json_option
@csv_option
def audit(limit: int, config: Path | None, as_json: bool, as_csv: bool) -> None:
    """Who did what to teams, keys and budgets, newest first."""

    async def act(_: Ledger, registry: Registry) -> list[Mapping[str, Any]]:
        return list(await registry.read_audit(limit))

    show_rows(with_ledger(config, act), as_json, as_csv)


@command.command()
@click.option("--keep-days", type=click.IntRange(min=0), default=90, show_default=True)
@config_option
@json_option
def prune(keep_days: int, config: Path | None, as_json: bool) -> None:
    """Archive old charges as daily sums, forget old runs, outcomes and audit entries, and give back the space."""

    async def act(ledger: Ledger, _: Registry) -> Mapping[str, int]:
        counts = await ledger.prune(keep_days)
        await ledger.vacuum()
        return counts

    show(dict(with_ledger(config, act)), as_json)


@command.command()
@config_option
@json_option
def vacuum(config: Path | None, as_json: bool) -> None:
    """Give the space of what was forgotten back to the system."""

    async def act(ledger: Ledger, _: Registry) -> None:
        await ledger.vacuum()

    with_ledger(config, act)
    show({"vacuumed": True}, as_json)
