"""A completion as it came, with our fields spliced in: nothing of it is rebuilt but `usage`."""

from collections.abc import Mapping
from typing import Any

import msgspec

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.encode


def with_fields(completion: bytes, fields: Mapping[str, Any]) -> bytes:
    """A JSON object with fields added at its end (or replaced in place); every other value stays byte for byte."""
    return _encode({**_decode_fields(completion), **fields})


def with_scores(
    completion: bytes, result: Mapping[str, Any], block: Mapping[str, Any], usage: Mapping[str, Any] | None = None
) -> bytes:
    """The completion with `requirements_result`, `maestro` `usage` (None: its own); the block is in usage too."""
    fields = _decode_fields(completion)
    encoded = msgspec.Raw(_encode(block))
    own = fields.get("usage")
    spent: Any = usage
    if usage is None:
        spent = {} if own is None or bytes(own) == b"null" else _decode_fields(own)
    return _encode(
        {**fields, "usage": {**spent, "maestro": encoded}, "requirements_result": result, "maestro": encoded}
    )
