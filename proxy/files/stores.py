"""The handlers of `/v1/vector_stores`, their files and batches."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from proxy.assembly import Rooms
from proxy.exchange import Answer, Exchange
from proxy.files.files import Missing
from proxy.files.forms import attributes_in, known, page_of, query_of, read_object, strings_in, text_in, whole_in
from proxy.files.shapes import batch_object, entry_object, hit_object, store_object
from router.errors import BadRequest
from router.ids import new_id
from router.tools.documents.convert import Unreadable
from router.tools.documents.filters import read_filter
from router.tools.documents.library import entry_for
from router.tools.documents.values import Chunking, Entry, Lookup, VectorStore

MOST_FILES = 500
encode = msgspec.json.encode


def _expire_days(said: Mapping[str, Any]) -> int | None:
    after = said.get("expires_after")
    if after is None:
        return None
    if not isinstance(after, dict) or after.get("anchor") != "last_active_at":
        raise BadRequest("'expires_after.anchor' must be last_active_at.", "expires_after.anchor")
    days = whole_in(after, "days", 1, 365, "expires_after.days")
    if days is None:
        raise BadRequest("'expires_after.days' is missing.", "expires_after.days")
    return days


def _chunking(said: Mapping[str, Any], param: str = "chunking_strategy") -> Chunking:
    value = said.get("chunking_strategy")
    if value is None or value == {"type": "auto"}:
        return Chunking()
    static = value.get("static") if isinstance(value, dict) and value.get("type") == "static" else None
    if not isinstance(static, dict):
        raise BadRequest(f"'{param}' must be of type auto, or static with its sizes.", param)
    most = whole_in(static, "max_chunk_size_tokens", 100, 4096, f"{param}.static.max_chunk_size_tokens")
    overlap = whole_in(static, "chunk_overlap_tokens", 0, 2048, f"{param}.static.chunk_overlap_tokens")
    if most is None or overlap is None or overlap > most // 2:
        raise BadRequest(f"'{param}.static' needs both sizes, the overlap at most half a chunk.", f"{param}.static")
    return Chunking(most, overlap, is_auto=False)


async def create_store(exchange: Exchange, rooms: Rooms) -> Answer:
    """A new vector store, with files at once where some are named."""
    said = read_object(exchange)
    known(said, ("name", "description", "metadata", "expires_after", "file_ids", "chunking_strategy"))
    files, chunking = strings_in(said, "file_ids", MOST_FILES), _chunking(said)
    metadata, days, name = attributes_in(said, "metadata"), _expire_days(said), text_in(said, "name") or ""
    entries = [await _checked(exchange, rooms, file) for file in dict.fromkeys(files)]
    store = await rooms.library.add_store(exchange.caller.team, name, metadata, days)
    if entries:
        wanted = [entry_for(store, file, time.time(), {}, chunking) for file in entries]
        await rooms.library.add_entries(store, wanted)
    return Answer(encode(store_object(await the_store(exchange, rooms, store.id), time.time())))


async def _checked(exchange: Exchange, rooms: Rooms, file: str) -> str:
    if await rooms.library.find_file(exchange.caller.team, file) is None:
        raise Missing("file", file)
    return file


async def list_stores(exchange: Exchange, rooms: Rooms) -> Answer:
    """The team's vector stores."""
    now, stores = time.time(), await rooms.library.list_stores(exchange.caller.team)
    return Answer(page_of(exchange, stores, lambda store: store.id, lambda store: store_object(store, now)))


async def find_store(exchange: Exchange, rooms: Rooms, store_id: str) -> Answer:
    """One vector store."""
    return Answer(encode(store_object(await the_store(exchange, rooms, store_id), time.time())))


async def change_store(exchange: Exchange, rooms: Rooms, store_id: str) -> Answer:
    """Sets name, metadata or expiry; what is not said stays."""
    said, store = read_object(exchange), await the_store(exchange, rooms, store_id)
    known(said, ("name", "metadata", "expires_after"))
    changed = replace(
        store,
        name=store.name if said.get("name") is None else text_in(said, "name") or "",
        metadata=attributes_in(said, "metadata") if "metadata" in said else store.metadata,
        expire_days=_expire_days(said) if "expires_after" in said else store.expire_days,
        last_active_at=int(time.time()),
    )
    return Answer(encode(store_object(await rooms.library.change_store(changed), time.time())))


async def delete_store(exchange: Exchange, rooms: Rooms, store_id: str) -> Answer:
    """Deletes a vector store; its files stay."""
    await rooms.library.delete_store(await the_store(exchange, rooms, store_id))
    return Answer(encode({"id": store_id, "object": "vector_store.deleted", "deleted": True}))


async def search_store(exchange: Exchange, rooms: Rooms, store_id: str) -> Answer:
    """The best chunks for a query, or for each of several."""
    said, store = read_object(exchange), await the_store(exchange, rooms, store_id)
    known(said, ("query", "filters", "max_num_results", "ranking_options", "rewrite_query"))
    queries = said.get("query")
    queries = [queries] if isinstance(queries, str) else queries
    if (
        not isinstance(queries, list)
        or not 0 < len(queries) <= 16
        or not all(isinstance(q, str) and q for q in queries)
    ):
        raise BadRequest("'query' must be a string, or an array of at most 16.", "query")
    limit = whole_in(said, "max_num_results", 1, 50) or 10
    ranking = said.get("ranking_options") or {}
    matches = read_filter(said["filters"], "filters") if said.get("filters") is not None else None
    found: dict[tuple[str, int], Any] = {}
    for query in queries:
        lookup = Lookup(query[:4096], limit, threshold_in(ranking))
        for hit in await rooms.library.search(store, lookup, matches):
            key = (hit.file, hit.position)
            found[key] = hit if key not in found or found[key].score < hit.score else found[key]
    hits = sorted(found.values(), key=lambda hit: -hit.score)[:limit]
    page = {"object": "vector_store.search_results.page", "search_query": queries}
    return Answer(encode({**page, "data": [hit_object(hit) for hit in hits], "has_more": False, "next_page": None}))


def threshold_in(ranking: Any, param: str = "ranking_options") -> float:
    """`ranking_options.score_threshold`, from 0 to 1. Raises BadRequest."""
    value = ranking.get("score_threshold", 0.0) if isinstance(ranking, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequest(f"'{param}.score_threshold' must be a number from 0 to 1.", f"{param}.score_threshold")
    return float(value)


async def add_entry(exchange: Exchange, rooms: Rooms, store_id: str) -> Answer:
    """Puts a file into a vector store."""
    said, store = read_object(exchange), await the_store(exchange, rooms, store_id)
    known(said, ("file_id", "attributes", "chunking_strategy"))
    file = said.get("file_id")
    if not isinstance(file, str):
        raise BadRequest("You must provide the parameter 'file_id'.", "file_id", "missing_required_parameter")
    await _checked(exchange, rooms, file)
    entry = entry_for(store, file, time.time(), attributes_in(said, "attributes"), _chunking(said))
    await rooms.library.add_entries(store, [entry])
    return Answer(encode(entry_object(entry)))


async def list_entries(exchange: Exchange, rooms: Rooms, store_id: str) -> Answer:
    """The files of a vector store."""
    return _entries_page(exchange, await rooms.library.list_entries(await the_store(exchange, rooms, store_id)))


def _entries_page(exchange: Exchange, entries: Sequence[Entry]) -> Answer:
    status = query_of(exchange).get("filter")
    kept = [entry for entry in entries if status in (None, entry.status)]
    return Answer(page_of(exchange, kept, lambda entry: entry.file, entry_object))


async def find_entry(exchange: Exchange, rooms: Rooms, store_id: str, file_id: str) -> Answer:
    """How a file of a vector store stands."""
    return Answer(encode(entry_object(await the_entry(exchange, rooms, store_id, file_id))))


async def change_entry(exchange: Exchange, rooms: Rooms, store_id: str, file_id: str) -> Answer:
    """Sets a file's attributes."""
    said, entry = read_object(exchange), await the_entry(exchange, rooms, store_id, file_id)
    known(said, ("attributes",))
    attributes = attributes_in(said, "attributes")
    await rooms.library.set_attributes(await the_store(exchange, rooms, store_id), file_id, attributes)
    return Answer(encode(entry_object(replace(entry, attributes=attributes))))


async def delete_entry(exchange: Exchange, rooms: Rooms, store_id: str, file_id: str) -> Answer:
    """Takes a file out of a vector store; the file stays."""
    if not await rooms.library.delete_entry(await the_store(exchange, rooms, store_id), file_id):
        raise Missing("file", file_id)
    return Answer(encode({"id": file_id, "object": "vector_store.file.deleted", "deleted": True}))


async def entry_content(exchange: Exchange, rooms: Rooms, store_id: str, file_id: str) -> Answer:
    """The text that a file was read as."""
    entry = await the_entry(exchange, rooms, store_id, file_id)
    file = await rooms.library.find_file(exchange.caller.team, file_id)
    if file is None:
        raise Missing("file", file_id)
    try:
        text = await rooms.library.text(file)
    except Unreadable as error:
        raise BadRequest(error.message, "file_id", error.code) from None
    page = {"object": "vector_store.file_content.page", "file_id": file_id, "filename": file.name}
    more = {"attributes": dict(entry.attributes), "has_more": False, "next_page": None}
    return Answer(encode({**page, **more, "data": [{"type": "text", "text": text}]}))


async def create_batch(exchange: Exchange, rooms: Rooms, store_id: str) -> Answer:
    """Puts several files into a vector store, with the same attributes or each with its own."""
    said, store = read_object(exchange), await the_store(exchange, rooms, store_id)
    known(said, ("file_ids", "files", "attributes", "chunking_strategy"))
    given = said.get("files")
    if given is None:
        common = {"attributes": said.get("attributes"), "chunking_strategy": said.get("chunking_strategy")}
        given = [{"file_id": file, **common} for file in strings_in(said, "file_ids", MOST_FILES)]
    if not isinstance(given, list) or not 0 < len(given) <= MOST_FILES:
        raise BadRequest(f"'file_ids' must name 1 to {MOST_FILES} files.", "file_ids")
    wanted: dict[str, Entry] = {}
    for i, one in enumerate(given):
        if not isinstance(one, dict) or not isinstance(one.get("file_id"), str):
            raise BadRequest(f"'files[{i}].file_id' must be a string.", f"files[{i}].file_id")
        file = await _checked(exchange, rooms, one["file_id"])
        attributes, chunking = attributes_in(one, "attributes"), _chunking(one)
        wanted[file] = entry_for(store, file, time.time(), attributes, chunking)
    batch = f"vsfb_{new_id()[:24]}"
    await rooms.library.add_entries(store, list(wanted.values()), batch)
    return await _batch(rooms, store, batch)


async def find_batch(exchange: Exchange, rooms: Rooms, store_id: str, batch: str) -> Answer:
    """How a batch stands."""
    return await _batch(rooms, await the_store(exchange, rooms, store_id), batch)


async def cancel_batch(exchange: Exchange, rooms: Rooms, store_id: str, batch: str) -> Answer:
    """Stops what is not yet indexed."""
    store = await the_store(exchange, rooms, store_id)
    await rooms.library.cancel_batch(store, batch)
    return await _batch(rooms, store, batch)


async def batch_entries(exchange: Exchange, rooms: Rooms, store_id: str, batch: str) -> Answer:
    """The files of a batch."""
    store = await the_store(exchange, rooms, store_id)
    return _entries_page(exchange, await rooms.library.list_entries(store, batch))


async def _batch(rooms: Rooms, store: VectorStore, batch: str) -> Answer:
    made = await rooms.library.find_batch(store, batch)
    if made is None:
        raise Missing("file batch", batch)
    return Answer(encode(batch_object(batch, store, made, await rooms.library.list_entries(store, batch))))


async def the_store(exchange: Exchange, rooms: Rooms, store_id: str) -> VectorStore:
    """The team's vector store. Raises Missing."""
    store = await rooms.library.find_store(exchange.caller.team, store_id)
    if store is None:
        raise Missing("vector store", store_id)
    return store


async def the_entry(exchange: Exchange, rooms: Rooms, store_id: str, file_id: str) -> Entry:
    """A file's entry in the team's vector store. Raises Missing."""
    entry = await rooms.library.find_entry(await the_store(exchange, rooms, store_id), file_id)
    if entry is None:
        raise Missing("file", file_id)
    return entry
