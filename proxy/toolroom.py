"""Maestro's own tools from the settings."""

from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from proxy.ledgers import SHARED, ledger_path, ledger_url
from proxy.settings import Settings, SettingsError, WebSearchSettings, read_secret
from router.tools.bench import Toolroom
from router.tools.calls import Caller
from router.tools.documents.convert import ConvertLimits
from router.tools.documents.database import Database
from router.tools.documents.library import Library
from router.tools.documents.sqlite import SqliteDatabase
from router.tools.guard import Allowance, guarded_client
from router.tools.search.adapters import EngineError, load_adapter
from router.tools.search.engine import Engine
from router.tools.web.pages import PageReader


def open_library(settings: Settings, owner: str) -> Library:
    """The library of documents, in its file, or beside a ledger on PostgreSQL. `owner` is this process's name."""
    tools = settings.tools
    limits = ConvertLimits(tools.conversion_seconds, tools.conversion_memory_mb)
    return Library(_database(settings), limits, tools.team_storage_mb * 2**20, owner=owner)


def _database(settings: Settings) -> Database:
    url = ledger_url(settings.ledger)
    if settings.tools.documents or not url.startswith(SHARED):
        return SqliteDatabase(documents_path(settings))
    from router.tools.documents.postgres import PostgresDatabase

    return PostgresDatabase(url)


def documents_path(settings: Settings) -> Path:
    """The file of documents: as said, else beside an SQLite ledger."""
    if settings.tools.documents:
        return Path(settings.tools.documents)
    return ledger_path(ledger_url(settings.ledger)).with_suffix(".documents.db")


def open_tools(settings: Settings, library: Library, exits: AsyncExitStack) -> Toolroom:
    """The tools; what they open is closed by `exits`. Raises SettingsError for an engine that cannot be used."""
    tools = settings.tools
    allowance = Allowance.of(tools.hosts)
    engine = None if tools.web_search is None else _engine(tools.web_search, allowance, exits)
    return Toolroom(library, Caller(allowance, tools.call_seconds), engine, tools.rounds)


def _engine(said: WebSearchSettings, allowance: Allowance, exits: AsyncExitStack) -> Engine:
    """The engine's own address is the operator's word; the pages it finds are not."""
    try:
        adapter = load_adapter(said.engine, said.base_url, read_secret(said.api_key_env))
    except EngineError as error:
        raise SettingsError(f"tools.web_search.engine: {error}") from None
    client = httpx.AsyncClient(timeout=20.0, follow_redirects=False)
    guarded = guarded_client(allowance)
    for opened in (client, guarded):
        exits.push_async_callback(opened.aclose)
    return Engine(
        adapter,
        client,
        PageReader(guarded, obey_robots=said.obey_robots, cache_seconds=said.cache_seconds),
        said.usd_per_search,
        said.read_pages,
        cache_seconds=said.cache_seconds,
    )
