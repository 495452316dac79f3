"""The handlers of `/v1/files`."""

import time
from collections.abc import Sequence

import msgspec

from proxy.assembly import Rooms
from proxy.exchange import Answer, Exchange
from proxy.files.forms import Part, page_of, query_of, read_form
from proxy.files.shapes import file_object
from router.errors import BadRequest
from router.tools.documents.values import StoredFile

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
LEAST_LIFE, MOST_LIFE = 3600, 2_592_000
LONGEST_NAME = 255


class Missing(BadRequest):
    """No such file, store, entry or batch, or not this team's: 404."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"No {kind} found with id '{name[:80]}'.", "id", "not_found")


async def create_file(exchange: Exchange, rooms: Rooms) -> Answer:
    """Keeps an uploaded file."""
    parts = read_form(exchange)
    said = {part.name: part.text for part in parts if part.filename is None}
    file = next((part for part in parts if part.name == "file" and part.filename is not None), None)
    if file is None:
        raise BadRequest("You must provide the parameter 'file'.", "file", "missing_required_parameter")
    purpose = said.get("purpose", "assistants")
    if purpose not in PURPOSES:
        raise BadRequest(f"'purpose' must be one of {', '.join(PURPOSES)}.", "purpose")
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][-LONGEST_NAME:] or "file"
    stored = await rooms.library.add_file(
        exchange.caller.team, name, file.data, purpose, expires_at=_expiry(said), labels=_labels(parts)
    )
    return Answer(msgspec.json.encode(file_object(stored)))


def _expiry(said: dict[str, str]) -> int | None:
    seconds, anchor = said.get("expires_after[seconds]"), said.get("expires_after[anchor]")
    if seconds is None and anchor is None:
        return None
    if anchor != "created_at":
        raise BadRequest("'expires_after.anchor' must be created_at.", "expires_after.anchor")
    if not (seconds or "").isdecimal() or not LEAST_LIFE <= int(seconds or 0) <= MOST_LIFE:
        words = f"'expires_after.seconds' must be a whole number from {LEAST_LIFE} to {MOST_LIFE}."
        raise BadRequest(words, "expires_after.seconds")
    return int(time.time()) + int(seconds or 0)


def _labels(parts: Sequence[Part]) -> tuple[str, ...]:
    """AI21's labels: a JSON array, or the field several times."""
    found: list[str] = []
    for part in parts:
        if part.name not in ("labels", "labels[]"):
            continue
        try:
            value = msgspec.json.decode(part.data, type=list[str])
        except msgspec.DecodeError:
            value = [part.text]
        found += value
    return tuple(dict.fromkeys(label[:128] for label in found))[:64]


async def list_files(exchange: Exchange, rooms: Rooms) -> Answer:
    """The team's files."""
    files = await rooms.library.list_files(exchange.caller.team, query_of(exchange).get("purpose"))
    return Answer(page_of(exchange, files, lambda file: file.id, file_object))


async def find_file(exchange: Exchange, rooms: Rooms, file_id: str) -> Answer:
    """One file."""
    return Answer(msgspec.json.encode(file_object(await the_file(exchange, rooms, file_id))))


async def file_content(exchange: Exchange, rooms: Rooms, file_id: str) -> Answer:
    """A file's bytes, never as something a browser would run."""
    data = await rooms.library.content(await the_file(exchange, rooms, file_id))
    headers = {"content-disposition": "attachment", "x-content-type-options": "nosniff"}
    return Answer(data, 200, headers, "application/octet-stream")


async def delete_file(exchange: Exchange, rooms: Rooms, file_id: str) -> Answer:
    """Deletes a file everywhere."""
    if not await rooms.library.delete_file(exchange.caller.team, file_id):
        raise Missing("file", file_id)
    return Answer(msgspec.json.encode({"id": file_id, "object": "file", "deleted": True}))


async def the_file(exchange: Exchange, rooms: Rooms, file_id: str) -> StoredFile:
    """The team's file. Raises Missing."""
    file = await rooms.library.find_file(exchange.caller.team, file_id)
    if file is None:
        raise Missing("file", file_id)
    return file
