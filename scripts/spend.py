"""`maestro spend`: what was spent, by whom and on what."""

from pathlib import Path
from typing import Any

import click

from proxy.admin import as_csv
from router.ledger.ledger import DIMENSIONS, Spend
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from scripts.rooms import config_option, json_option, show, with_ledger


@click.command()
@click.option("--by", default="team", show_default=True, help=f"By comma: {', '.join(DIMENSIONS)}.")
@click.option("--since", help="First day, YYYY-MM-DD (UTC).")
@click.option("--team")
@click.option("--csv", "csv_wanted", is_flag=True, help="Print CSV.")
@config_option
@json_option
def command(by: str, since: str | None, team: str | None, csv_wanted: bool, config: Path | None, as_json: bool) -> None:
    """Calls, tokens and dollars, summed."""
    names = tuple(name.strip() for name in by.split(","))

    async def act(ledger: SqliteLedger, _: Registry) -> list[dict[str, Any]]:
        return [dict(row) for row in await ledger.spend(Spend(names, since, team=team))]

    rows = with_ledger(config, act)
    if csv_wanted:
        click.echo(as_csv(rows), nl=False)
    else:
        show(rows, as_json)
