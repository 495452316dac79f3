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
from proxy.toolroom import documents_path
from router.errors import BadRequest, MaestroError
from router.ledger.ledger import Ledger
from router.ledger.sqlite import SqliteLedger
from router.ledger.writer import connect
from router.tools.documents.sqlite import SqliteDatabase
from scripts.rooms import config_option, json_option, show


@click.command()
@click.option("--to", "target", required=True, help="postgresql://… of an empty database.")
@config_option
@json_option
def command(target: str, config: Path | None, as_json: bool) -> None:
    """Move the ledger and the documents of the settings file (SQLite) to PostgreSQL. Stop the proxy first.

    The files stay as they are.
    """
    try:
        moved = dict(asyncio.run(move_ledger(ledger_of(config), target)))
        show({**moved, **move_files(documents_path(load_settings(config)), target)}, as_json)
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


def move_files(path: Path, url: str) -> Mapping[str, int]:
    """Rows of the document store moved by table, if there is such a file. Raises BadRequest, Unavailable."""
    from router.tools.documents.moving import move_documents
    from router.tools.documents.postgres import PostgresDatabase

    if not path.exists():
        return {}
    target = PostgresDatabase(url)
    with closing(target), closing(SqliteDatabase(path)) as source:
        return {table: count for table, count in move_documents(source.db, target).items() if count}


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
