"""The body for one very model: what the client sent, byte for byte, but for the model's name and our usage request."""

from collections.abc import Mapping
from typing import Any

import msgspec

from router.errors import BadRequest
from router.upstreams.streams import CHAT_PATHS
from router.upstreams.upstream import Call, Model

_Fields = dict[str, msgspec.Raw]
_decode_fields = msgspec.json.Decoder(_Fields).decode


def aim(call: Call, model: Model, asks_usage: bool) -> tuple[bytes, bool]:
    """The body for `model`, and whether the usage chunk of its stream is ours alone.

    Unchanged bytes where nothing has to change; else only `model` and `stream_options` do. Raises BadRequest if the
    body is no JSON object.
    """
    try:
        fields = _decode_fields(call.body)
        named = msgspec.json.decode(fields.get("model", b"null"))
        options = msgspec.json.decode(fields.get("stream_options", b"null")) if call.stream else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("the body must be a JSON object") from None
    changes: dict[str, Any] = {} if named == model.served_as else {"model": model.served_as}
    hides_usage = call.stream and asks_usage and call.path in CHAT_PATHS and _lacks_usage(options)
    if hides_usage:
        changes["stream_options"] = {**(options or {}), "include_usage": True}
    if not changes:
        return call.body, False
    return msgspec.json.encode({**fields, **changes}), hides_usage


def _lacks_usage(options: Any) -> bool:
    """False too for options of a wrong type: the upstream shall say so itself."""
    return options is None or (isinstance(options, Mapping) and options.get("include_usage") is not True)
