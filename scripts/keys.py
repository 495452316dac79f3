"""`maestro keys`: make, list and revoke API keys."""

from datetime import UTC, datetime
from pathlib import Path

import click

from action_model.prices import to_nanodollars
from router.ledger.accounts import KeyScopes, NewKey
from router.ledger.ledger import Window
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from scripts.rooms import config_option, json_option, show, with_ledger


@click.group()
def command() -> None:
    """API keys."""


@command.command()
@click.option("--team", required=True)
@click.option("--name", default="", help="A word to know it by.")
@click.option("--budget-usd", type=click.FloatRange(min=0), help="The key's own limit, within the team's.")
@click.option("--window", type=click.Choice(["day", "week", "month", "total"]), default="total", show_default=True)
@click.option("--max-run-usd", type=click.FloatRange(min=0), help="The most one request may spend.")
@click.option("--model", "models", multiple=True, help="A model it may use; several times; default all.")
@click.option("--may-name", "teams", multiple=True, help="Another team it may spend for by X-Maestro-Team.")
@click.option("--operator", is_flag=True, help="May name single actions.")
@click.option("--expires", type=click.DateTime(), help="UTC date or time.")
@config_option
@json_option
def create(
    team: str,
    name: str,
    budget_usd: float | None,
    window: Window,
    max_run_usd: float | None,
    models: tuple[str, ...],
    teams: tuple[str, ...],
    operator: bool,
    expires: datetime | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Create a key. It is printed once and cannot be shown again."""
    scopes = KeyScopes(
        teams=teams,
        models=models,
        max_usd=max_run_usd,
        nanodollars=None if budget_usd is None else to_nanodollars(budget_usd),
        window=window,
        is_operator=operator,
        name=name,
        expires_at=None if expires is None else expires.replace(tzinfo=UTC).timestamp(),
    )

    async def act(_: SqliteLedger, registry: Registry) -> NewKey:
        return await registry.create_key(team, scopes, "command line")

    new = with_ledger(config, act)
    show({"key": new.secret, "id": new.id, "team": new.team}, as_json)


@command.command(name="list")
@click.option("--team")
@config_option
@json_option
def list_all(team: str | None, config: Path | None, as_json: bool) -> None:
    """Keys, without their secrets."""

    async def act(_: SqliteLedger, registry: Registry) -> list[object]:
        return list(await registry.list_keys(team))

    show(with_ledger(config, act), as_json)


@command.command()
@click.argument("key_id")
@config_option
@json_option
def revoke(key_id: str, config: Path | None, as_json: bool) -> None:
    """End a key, on every worker within a second."""

    async def act(_: SqliteLedger, registry: Registry) -> None:
        await registry.revoke_key(key_id, "command line")

    with_ledger(config, act)
    show({"revoked": key_id}, as_json)


@command.command()
@click.argument("key_id")
@config_option
@json_option
def rotate(key_id: str, config: Path | None, as_json: bool) -> None:
    """Give a key a new secret, printed once; the old one ends within a second."""

    async def act(_: SqliteLedger, registry: Registry) -> NewKey:
        return await registry.rotate_key(key_id, "command line")

    new = with_ledger(config, act)
    show({"key": new.secret, "id": new.id, "team": new.team}, as_json)
