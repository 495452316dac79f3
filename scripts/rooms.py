"""What the money commands share: the ledger of a settings file, opened and closed around one act."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy.admin import tables
from proxy.ledgers import make_ledger
from proxy.settings import SettingsError, load_settings
from router.errors import MaestroError
from router.ledger.ledger import Ledger
from router.ledger.registry import Registry

T = TypeVar("T")
ACTOR = "command line"

config_option = click.option("--config", type=click.Path(path_type=Path), help="The settings file.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")


def with_ledger(config: Path | None, act: Callable[[Ledger, Registry], Awaitable[T]]) -> T:
    """Runs one act on the ledger; a refusal is printed and ends the command with 2."""

    async def run() -> T:
        settings = load_settings(config)
        ledger = make_ledger(settings.ledger)
        await ledger.start()
        try:
            return await act(ledger, Registry(ledger.accounts))
        finally:
            await ledger.close()

    try:
        return asyncio.run(run())
    except (SettingsError, MaestroError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool, as_csv: bool) -> None:
    """Prints the rows of a report: as CSV, as JSON, or a line for each."""
    if as_csv:
        click.echo(tables.as_csv(rows), nl=False)
    else:
        show([dict(row) for row in rows], as_json)


def show(value: Any, as_json: bool) -> None:
    """Prints a value: as JSON, or a line for each entry."""
    if as_json:
        click.echo(json.dumps(value))
        return
    for row in value if isinstance(value, list) else [value]:
        click.echo("  ".join(f"{name}={word}" for name, word in row.items() if word not in (None, {}, [])))
