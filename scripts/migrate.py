"""`maestro migrate`: moves an embedded ledger to PostgreSQL, with the books checked before and after."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from proxy.ledgers import ledger_path, make_ledger
from proxy.settings import LedgerSettings, SettingsError, load_settings
from router.errors import BadRequest, MaestroError
from router.ledger.ledger import Ledger
from router.ledger.sqlite import SqliteLedger
from router.ledger.writer import connect
from scripts.rooms import config_option, json_option, show


@click.command()
@click.option("--to", "target", required=True, help="postgresql://… of an empty database.")
@config_option
@json_option
def command(target: str, config: Path | None, as_json: bool) -> None:
    """Move the ledger of the settings file (SQLite) to PostgreSQL. Stop the proxy first; the file stays as it is."""
    try:
        show(dict(asyncio.run(move_ledger(ledger_of(config), target))), as_json)
    except (SettingsError, MaestroError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)


def ledger_of(config: Path | None) -> Path:
    """The file of the settings' ledger. Raises SettingsError if it is not there."""
    path = ledger_path(load_settings(config).ledger.url)
    if not path.exists():
        raise SettingsError(f"there is no ledger at {path}")
    return path


async def move_ledger(path: Path, url: str) -> Mapping[str, Any]:
    """Rows moved by table, and the totals of both. Raises BadRequest if books disagree; then nothing was moved."""
    from router.ledger.postgres.moving import move

    source = SqliteLedger(path)
    before = await _checked(source, "before")
    target = make_ledger(LedgerSettings(url=url))
    await target.start()
    await target.close()
    with closing(connect(path)) as connection:
        if connection.execute("select 1 from lines where state = 'open' limit 1").fetchone() is not None:
            raise BadRequest("Calls are in flight: stop the proxy, then move its ledger.", "config")
        connection.execute("begin immediate")
        rows = await move(connection, url)
    after = await _checked(make_ledger(LedgerSettings(url=url)), "after")
    if before != after:
        raise BadRequest(f"The books differ: {before} before, {after} after. Keep the file, drop the database.", "to")
    return {**{table: count for table, count in rows.items() if count}, "usd": after["usd"], "balanced": True}


async def _checked(ledger: Ledger, when: str) -> Mapping[str, Any]:
    """The totals of books that balance. Raises BadRequest for others."""
    await ledger.start()
    try:
        wrong, totals = await ledger.check(), await ledger.totals()
    finally:
        await ledger.close()
    if wrong:
        raise BadRequest(f"The books do not balance {when} the move: {wrong[0]!r} and {len(wrong) - 1} more.", "config")
    return totals
