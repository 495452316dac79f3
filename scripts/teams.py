"""`maestro teams`: who may spend, how much, and what holds where their requests say nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from proxy.admin.acts import TeamBody, change_team
from router.ledger.ledger import Ledger
from router.ledger.registry import Registry
from scripts.rooms import ACTOR, config_option, csv_option, json_option, show, show_rows, with_ledger
from scripts.terms import rate_options, run_options, said_of, window_option


@click.group()
def command() -> None:
    """Teams and their budgets."""


@command.command()
@click.argument("name")
@click.option("--budget-usd", type=click.FloatRange(min=0), help="Limit; a team without one is unlimited.")
@window_option
@click.option("--soft-limit", type=click.FloatRange(0, 1, min_open=True), help="Share of the limit to warn from.")
@click.option("--webhook-url", help="Told once a window when the soft limit is passed, and when all is spent.")
@rate_options
@run_options
@click.option(
    "--clear", multiple=True, metavar="OPTION", help="Take a value away: budget-usd, effort, …; several times."
)
@config_option
@json_option
def create(name: str, clear: tuple[str, ...], config: Path | None, as_json: bool, **options: Any) -> None:
    """Create a team, or change what is said of it; the rest stays."""
    changes = {**said_of(options), **{option.replace("-", "_"): None for option in clear}}

    async def act(_: Ledger, registry: Registry) -> TeamBody:
        return await change_team(registry, name, changes, ACTOR)

    body = with_ledger(config, act)
    said = body.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    show({"team": name, "budget_usd": body.budget_usd, "window": body.window, **said}, as_json)


@command.command()
@click.argument("name")
@config_option
@json_option
def delete(name: str, config: Path | None, as_json: bool) -> None:
    """Forget a team and end its keys. What it spent stays in the books; the settings file makes its teams anew."""

    async def act(_: Ledger, registry: Registry) -> int:
        return await registry.delete_team(name, ACTOR)

    show({"team": name, "deleted": True, "keys_ended": with_ledger(config, act)}, as_json)


@command.command(name="list")
@config_option
@json_option
@csv_option
def list_all(config: Path | None, as_json: bool, as_csv: bool) -> None:
    """All teams with what they spent in their window."""

    async def act(_: Ledger, registry: Registry) -> list[Mapping[str, Any]]:
        return list(await registry.list_teams())

    show_rows(with_ledger(config, act), as_json, as_csv)
