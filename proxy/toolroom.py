"""Maestro's own tools from the settings."""

from pathlib import Path

from proxy.settings import Settings
from router.tools.documents.convert import ConvertLimits
from router.tools.documents.library import Library


def open_library(settings: Settings) -> Library:
    """The library of documents, in its file."""
    tools = settings.tools
    limits = ConvertLimits(tools.conversion_seconds, tools.conversion_memory_mb)
    return Library(documents_path(settings), limits, tools.team_storage_mb * 2**20)


def documents_path(settings: Settings) -> Path:
    """Where documents are kept: as said, else beside an SQLite ledger, else in the working directory."""
    if settings.tools.documents:
        return Path(settings.tools.documents)
    if settings.ledger.url.startswith("sqlite:///"):
        return Path(settings.ledger.url.removeprefix("sqlite:///")).with_suffix(".documents.db")
    return Path("maestro.documents.db")
