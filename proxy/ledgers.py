"""Which ledger `ledger.url` names: SQLite in one file, or PostgreSQL shared by several proxies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from action_model.prices import to_nanodollars
from proxy.settings import LedgerSettings, SettingsError, read_secret
from router.ledger.ledger import Account, Watch
from router.ledger.sqlite import SqliteLedger

if TYPE_CHECKING:
    from router.ledger.postgres.ledger import PostgresLedger
    from router.ledger.postgres.outage import OutageBooks

    StoredLedger = SqliteLedger | PostgresLedger
SHARED = ("postgresql://", "postgres://")


def make_ledger(
    settings: LedgerSettings,
    on_charge: Callable[[Account, int], None] = lambda account, tokens: None,
    on_money: Watch = lambda account, standings: None,
) -> StoredLedger:
    """The ledger, not yet started. Raises SettingsError for a URL that names none."""
    url = ledger_url(settings)
    if not url.startswith(SHARED):
        path, texts = ledger_path(url), settings.store_texts
        return SqliteLedger(path, settings.durability, store_texts=texts, on_charge=on_charge, on_money=on_money)
    try:
        from router.ledger.postgres.ledger import PostgresLedger
    except ImportError as error:
        raise SettingsError(f"ledger.url: PostgreSQL needs the extra 'postgres' ({error})") from None
    texts, outage = settings.store_texts, _outage(settings)
    return PostgresLedger(url, store_texts=texts, on_charge=on_charge, on_money=on_money, outage=outage)


def _outage(settings: LedgerSettings) -> OutageBooks | None:
    """What may be spent while the database is away. A file that is there may hold charges still to be booked."""
    from router.ledger.postgres.outage import OutageBooks

    path = Path(settings.outage_file)
    return OutageBooks(path, to_nanodollars(settings.outage_usd)) if settings.outage_usd or path.exists() else None


def ledger_url(settings: LedgerSettings) -> str:
    """Where the ledger is, password and all."""
    return read_secret(settings.url_env) or settings.url


def ledger_path(url: str) -> Path:
    """The file of a `sqlite:///` URL. Raises SettingsError for another scheme."""
    if not url.startswith("sqlite:///"):
        raise SettingsError(f"ledger.url must begin with sqlite:/// or postgresql://, not {url.split(':', 1)[0]}:")
    return Path(url.removeprefix("sqlite:///"))
