"""`maestro teams`: who may spend, and how much."""

from pathlib import Path

import click

from action_model.prices import to_nanodollars
from router.ledger.accounts import Team
from router.ledger.ledger import Window
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from scripts.rooms import config_option, json_option, show, with_ledger


@click.group()
def command() -> None:
    """Teams and their budgets."""


@command.command()
@click.argument("name")
@click.option("--budget-usd", type=click.FloatRange(min=0), help="Limit; without it the team is unlimited.")
@click.option("--window", type=click.Choice(["day", "week", "month", "total"]), default="month", show_default=True)
@config_option
@json_option
def create(name: str, budget_usd: float | None, window: Window, config: Path | None, as_json: bool) -> None:
    """Create a team, or change its budget; its defaults stay."""
    nanodollars = None if budget_usd is None else to_nanodollars(budget_usd)

    async def act(_: SqliteLedger, registry: Registry) -> None:
        await registry.put_team(Team(name, nanodollars, window, defaults=None), "command line")

    with_ledger(config, act)
    show({"team": name, "budget_usd": budget_usd, "window": window}, as_json)


@command.command(name="list")
@config_option
@json_option
def list_all(config: Path | None, as_json: bool) -> None:
    """All teams with what they spent in their window."""

    async def act(_: SqliteLedger, registry: Registry) -> list[object]:
        return list(await registry.list_teams())

    show(with_ledger(config, act), as_json)
