"""`maestro profiles`: requirements, budget, models and tools of a team under a model name, `maestro/NAME`."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from proxy.profiles.profile import delete_profile, find_profile, put_profile, read_profile, shown
from router.ledger.ledger import Ledger
from router.ledger.registry import Registry
from router.profiles.store import SqliteConfigs
from scripts.rooms import ACTOR, config_option, csv_option, json_option, show, show_rows, with_ledger

if TYPE_CHECKING:
    from proxy.ledgers import StoredLedger
T = TypeVar("T")
team_option = click.option("--team", required=True, help="Whose it is.")


def with_profiles(config: Path | None, act: Callable[[Registry, SqliteConfigs], Awaitable[T]]) -> T:
    """Runs one act on the profiles of a settings file's ledger."""

    async def run(ledger: Ledger, registry: Registry) -> T:
        stored = cast("StoredLedger", ledger)
        reader = stored.new_reader()
        try:
            return await act(registry, SqliteConfigs(stored.writer, reader))
        finally:
            await reader.close()

    return with_ledger(config, run)


@click.group()
def command() -> None:
    """Profiles: a model name that brings requirements, budget and models with it."""


@command.command()
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@team_option
@config_option
@json_option
def put(name: str, file: Any, team: str, config: Path | None, as_json: bool) -> None:
    """Store FILE (JSON or TOML; - is standard input) as the next version of NAME."""

    async def act(registry: Registry, configs: SqliteConfigs) -> dict[str, Any]:
        said = read_profile(file.read())
        return shown(await put_profile(registry, configs, (team, name), said, ACTOR))

    show(with_profiles(config, act), as_json)


@command.command(name="list")
@click.option("--team", help="Only this team's.")
@config_option
@json_option
@csv_option
def list_all(team: str | None, config: Path | None, as_json: bool, as_csv: bool) -> None:
    """The latest versions."""

    async def act(_: Registry, configs: SqliteConfigs) -> list[Mapping[str, Any]]:
        return [shown(one) for one in await configs.list_all("profile", team)]

    show_rows(with_profiles(config, act), as_json, as_csv)


@command.command(name="show")
@click.argument("name")
@team_option
@click.option("--version", type=int, help="One that is not the latest.")
@config_option
@json_option
def show_one(name: str, team: str, version: int | None, config: Path | None, as_json: bool) -> None:
    """One profile."""

    async def act(_: Registry, configs: SqliteConfigs) -> dict[str, Any]:
        return shown(await find_profile(configs, team, name, version))

    show(with_profiles(config, act), as_json)


@command.command()
@click.argument("name")
@team_option
@config_option
def delete(name: str, team: str, config: Path | None) -> None:
    """Delete a profile with its versions."""

    async def act(_: Registry, configs: SqliteConfigs) -> None:
        await delete_profile(configs, team, name, ACTOR)

    with_profiles(config, act)
    click.echo(f"deleted {team}/{name}", file=sys.stderr)
