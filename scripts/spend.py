"""`maestro spend`: what was spent, by whom and on what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from router.ledger.ledger import DIMENSIONS, Ledger, Spend
from router.ledger.registry import Registry
from scripts.rooms import config_option, csv_option, json_option, show_rows, with_ledger


@click.command()
@click.option("--by", default="team", show_default=True, help=f"By comma: {', '.join(DIMENSIONS)}.")
@click.option("--since", help="First day, YYYY-MM-DD (UTC).")
@click.option("--until", help="Last day.")
@click.option("--team")
@click.option("--key", "key_id", help="A key's id.")
@csv_option
@config_option
@json_option
def command(by: str, as_csv: bool, config: Path | None, as_json: bool, **where: Any) -> None:
    """Calls, tokens and dollars, summed."""
    query = Spend(tuple(name.strip() for name in by.split(",")), **where)

    async def act(ledger: Ledger, _: Registry) -> list[Mapping[str, Any]]:
        return list(await ledger.spend(query))

    show_rows(with_ledger(config, act), as_json, as_csv)
