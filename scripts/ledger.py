"""`maestro ledger`: what was spent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from scripts.rooms import config_option, json_option, show, with_ledger


@click.group()
def command() -> None:
    """The record of reservations and charges."""


@command.command()
@config_option
@json_option
def totals(config: Path | None, as_json: bool) -> None:
    """Sums over all settled and estimated charges."""

    async def act(ledger: SqliteLedger, _: Registry) -> Mapping[str, Any]:
        return await ledger.totals()

    show(with_ledger(config, act), as_json)
