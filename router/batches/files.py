"""The files that batches read and write."""

from typing import Any, Protocol


class File(Protocol):
    """A stored file."""

    @property
    def id(self) -> str:
        """Its name in the API."""
        ...

    @property
    def purpose(self) -> str:
        """What it was uploaded for."""
        ...


class FileStore(Protocol):
    """Where files are kept; each is one team's."""

    async def add_file(self, team: str, name: str, data: bytes, purpose: str) -> File:
        """Keeps a file. Raises BadRequest, TooLarge."""
        ...

    async def find_file(self, team: str, name: str) -> Any:
        """The team's file, or None."""
        ...

    async def content(self, file: Any) -> bytes:
        """Its bytes."""
        ...
