"""Files, vector stores, entries and hits as OpenAI's clients read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from router.tools.documents.values import Chunking, Entry, Hit, StoredFile, VectorStore

STATUSES = ("in_progress", "completed", "failed", "cancelled")


def file_object(file: StoredFile) -> dict[str, Any]:
    """A `file`."""
    shown = {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }
    return {**shown, "labels": list(file.labels)} if file.labels else shown


def store_object(store: VectorStore, now: float) -> dict[str, Any]:
    """A `vector_store`."""
    busy = bool(store.counts.get("in_progress"))
    days = store.expire_days
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": store.created_at,
        "name": store.name,
        "usage_bytes": store.usage_bytes,
        "file_counts": counts_of(store.counts),
        "status": "expired" if store.is_expired(now) else "in_progress" if busy else "completed",
        "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
        "expires_at": store.expires_at,
        "last_active_at": store.last_active_at,
        "metadata": dict(store.metadata),
    }


def counts_of(counts: Mapping[str, int]) -> dict[str, int]:
    """`file_counts`."""
    return {**{status: counts.get(status, 0) for status in STATUSES}, "total": sum(counts.values())}


def entry_object(entry: Entry) -> dict[str, Any]:
    """A `vector_store.file`."""
    failed = entry.status == "failed"
    return {
        "id": entry.file,
        "object": "vector_store.file",
        "created_at": entry.created_at,
        "vector_store_id": entry.store,
        "status": entry.status,
        "usage_bytes": entry.usage_bytes,
        "last_error": {"code": entry.error_code, "message": entry.error} if failed else None,
        "attributes": dict(entry.attributes),
        "chunking_strategy": strategy_object(entry.chunking),
    }


def strategy_object(chunking: Chunking) -> dict[str, Any]:
    """How the file was cut."""
    sizes = {"max_chunk_size_tokens": chunking.max_tokens, "chunk_overlap_tokens": chunking.overlap_tokens}
    return {"type": "static", "static": sizes}


def batch_object(batch: str, store: VectorStore, made: tuple[int, bool], entries: Sequence[Entry]) -> dict[str, Any]:
    """A `vector_store.files_batch`."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.status] = counts.get(entry.status, 0) + 1
    created_at, is_cancelled = made
    status = "cancelled" if is_cancelled else "in_progress" if counts.get("in_progress") else "completed"
    return {
        "id": batch,
        "object": "vector_store.files_batch",
        "created_at": created_at,
        "vector_store_id": store.id,
        "status": status,
        "file_counts": counts_of(counts),
    }


def hit_object(hit: Hit) -> dict[str, Any]:
    """A result of a search."""
    return {
        "file_id": hit.file,
        "filename": hit.name,
        "score": round(hit.score, 6),
        "attributes": dict(hit.attributes),
        "content": [{"type": "text", "text": hit.text}],
        "heading": hit.heading,
    }
