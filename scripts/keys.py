"""`maestro keys`: make, list, rotate and revoke API keys."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proxy.admin.acts import KeyBody, create_key, read
from router.ledger.accounts import NewKey
from router.ledger.ledger import Ledger
from router.ledger.registry import Registry
from scripts.rooms import ACTOR, config_option, csv_option, json_option, show, show_rows, with_ledger
from scripts.terms import rate_options, run_options, said_of, window_option


@click.group()
def command() -> None:
    """API keys."""


@command.command()
@click.option("--team", required=True)
@click.option("--name", help="A word to know it by.")
@click.option("--budget-usd", type=click.FloatRange(min=0), help="The key's own limit, within the team's.")
@window_option
@click.option("--soft-limit", type=click.FloatRange(0, 1, min_open=True), help="Share of its limit to warn from.")
@click.option("--may-name", "teams", multiple=True, help="Another team it may spend for by X-Maestro-Team.")
@click.option("--operator", is_flag=True, help="May name single actions.")
@click.option("--expires", type=click.DateTime(), help="UTC date or time.")
@rate_options
@run_options
@config_option
@json_option
def create(expires: datetime | None, config: Path | None, as_json: bool, **options: Any) -> None:
    """Create a key. It is printed once and cannot be shown again."""
    expires_at = None if expires is None else expires.replace(tzinfo=UTC).timestamp()

    async def act(_: Ledger, registry: Registry) -> NewKey:
        return await create_key(registry, read(KeyBody, {**said_of(options), "expires_at": expires_at}), ACTOR)

    show(_shown(with_ledger(config, act)), as_json)


@command.command(name="list")
@click.option("--team")
@config_option
@json_option
@csv_option
def list_all(team: str | None, config: Path | None, as_json: bool, as_csv: bool) -> None:
    """Keys, without their secrets."""

    async def act(_: Ledger, registry: Registry) -> list[Mapping[str, Any]]:
        return list(await registry.list_keys(team))

    show_rows(with_ledger(config, act), as_json, as_csv)


@command.command()
@click.argument("key_id")
@config_option
@json_option
def revoke(key_id: str, config: Path | None, as_json: bool) -> None:
    """End a key, on every worker within a second."""

    async def act(_: Ledger, registry: Registry) -> None:
        await registry.revoke_key(key_id, ACTOR)

    with_ledger(config, act)
    show({"revoked": key_id}, as_json)


@command.command()
@click.argument("key_id")
@config_option
@json_option
def rotate(key_id: str, config: Path | None, as_json: bool) -> None:
    """Give a key a new secret, printed once; the old one ends within a second."""

    async def act(_: Ledger, registry: Registry) -> NewKey:
        return await registry.rotate_key(key_id, ACTOR)

    show(_shown(with_ledger(config, act)), as_json)


def _shown(new: NewKey) -> dict[str, Any]:
    return {"key": new.secret, "id": new.id, "team": new.team}
