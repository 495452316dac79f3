"""The citations of an answer as annotations in OpenAI's shape."""

from collections.abc import Sequence
from typing import Any

import msgspec

from router.tools.passages import Passage, citations


def cited(completion: bytes, passages: Sequence[Passage]) -> bytes:
    """The completion, each choice's message with `annotations` where its text cites a passage; else as it came."""
    if not passages:
        return completion
    answer = msgspec.json.decode(completion)
    found = False
    for choice in answer.get("choices") or ():
        message = choice.get("message") if isinstance(choice, dict) else None
        text = message.get("content") if isinstance(message, dict) else None
        notes = [note(start, end, p) for start, end, p in citations(text, passages)] if isinstance(text, str) else []
        if notes and isinstance(message, dict):
            message["annotations"] = [*(message.get("annotations") or ()), *notes]
            found = True
    return msgspec.json.encode(answer) if found else completion


def note(start: int, end: int, passage: Passage) -> dict[str, Any]:
    """One annotation of a chat message."""
    if passage.kind == "web":
        place = {"url": passage.source, "title": passage.title, "start_index": start, "end_index": end}
        return {"type": "url_citation", "url_citation": place}
    place = {"file_id": passage.source, "filename": passage.title, "index": end, "start_index": start, "end_index": end}
    return {"type": "file_citation", "file_citation": place}


def of_response(annotation: Any) -> dict[str, Any] | None:
    """The same as an annotation of `/v1/responses`; None for one of an unknown kind."""
    kind = annotation.get("type") if isinstance(annotation, dict) else None
    inner = annotation.get(kind) if isinstance(kind, str) else None
    if not isinstance(inner, dict):
        return None
    if kind == "file_citation":
        return {"type": kind, **{name: inner.get(name) for name in ("file_id", "filename", "index")}}
    return {"type": kind, **inner} if kind == "url_citation" else None
