"""`maestro budgets`: the limits of teams and keys, and what is left of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from proxy.admin.acts import BudgetBody, change_budget, put_budget
from router.ledger.accounts import Scope
from router.ledger.ledger import Ledger
from router.ledger.registry import Registry
from scripts.rooms import ACTOR, config_option, csv_option, json_option, show, show_rows, with_ledger
from scripts.terms import said_of, window_option

team_option = click.option("--team", help="A team's budget.")
key_option = click.option("--key", "key_id", help="A key's own budget, within its team's; by the key's id.")


@click.group()
def command() -> None:
    """Budgets of teams and keys."""


@command.command(name="list")
@config_option
@json_option
@csv_option
def list_all(config: Path | None, as_json: bool, as_csv: bool) -> None:
    """All budgets with what is spent, reserved and left in their windows now."""

    async def act(_: Ledger, registry: Registry) -> list[Mapping[str, Any]]:
        return list(await registry.list_budgets())

    show_rows(with_ledger(config, act), as_json, as_csv)


@command.command(name="set")
@team_option
@key_option
@click.option("--budget-usd", type=click.FloatRange(min=0))
@window_option
@click.option("--soft-limit", type=click.FloatRange(0, 1, min_open=True), help="Share of the limit to warn from.")
@config_option
@json_option
def set_budget(team: str | None, key_id: str | None, config: Path | None, as_json: bool, **options: Any) -> None:
    """Set or change a budget; what was spent in its window counts."""
    scope, name = _whose(team, key_id)

    async def act(_: Ledger, registry: Registry) -> BudgetBody:
        return await change_budget(registry, scope, name, said_of(options), ACTOR)

    body = with_ledger(config, act)
    show({"scope": scope, "id": name, **body.model_dump()}, as_json)


@command.command()
@team_option
@key_option
@config_option
@json_option
def clear(team: str | None, key_id: str | None, config: Path | None, as_json: bool) -> None:
    """Take a limit away; what is spent is still counted."""
    scope, name = _whose(team, key_id)

    async def act(_: Ledger, registry: Registry) -> None:
        await put_budget(registry, scope, name, BudgetBody(), ACTOR)

    with_ledger(config, act)
    show({"scope": scope, "id": name, "budget_usd": None}, as_json)


def _whose(team: str | None, key_id: str | None) -> tuple[Scope, str]:
    if (team is None) == (key_id is None):
        raise click.UsageError("Name one of --team and --key.")
    return ("team", team) if team is not None else ("key", key_id or "")
