"""Reads what files' routes are sent: multipart forms, JSON bodies, queries and pages."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from proxy.exchange import Exchange
from router.errors import BadRequest

T = TypeVar("T")
_PARAMETER = re.compile(r';\s*(\w+\*?)="((?:[^"\\]|\\.)*)"|;\s*(\w+\*?)=([^;\s]+)')
MOST_PARTS = 64
MOST_ATTRIBUTES = 16
MOST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; `filename` of a file."""

    name: str
    data: bytes
    filename: str | None = None

    @property
    def text(self) -> str:
        """As text."""
        return self.data.decode("utf-8", "replace")


def read_form(exchange: Exchange) -> list[Part]:
    """The fields of a multipart body. Raises BadRequest."""
    said = exchange.headers.get("content-type", "")
    boundary = _parameters(said).get("boundary")
    if not said.lower().startswith("multipart/form-data") or not boundary:
        raise BadRequest("The body must be multipart/form-data with a boundary.", "file")
    pieces = (b"\r\n" + exchange.body).split(b"\r\n--" + boundary.encode("latin-1"))
    if len(pieces) < 3 or not pieces[-1].startswith(b"--") or len(pieces) > MOST_PARTS + 2:
        raise BadRequest("The multipart body is malformed.", "file")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, found, data = piece.partition(b"\r\n\r\n")
    if not found:
        raise BadRequest("The multipart body is malformed.", "file")
    headers = dict(line.split(":", 1) for line in head.decode("utf-8", "replace").split("\r\n") if ":" in line)
    lines = {name.strip().lower(): value for name, value in headers.items()}
    told = _parameters(lines.get("content-disposition", ""))
    return Part(told.get("name", ""), data, told.get("filename"))


def _parameters(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for quoted, value, plain, other in _PARAMETER.findall(header):
        found[(quoted or plain).lower()] = value.replace('\\"', '"') if quoted else other
    return found


def read_object(exchange: Exchange) -> dict[str, Any]:
    """A JSON object; an empty body is an empty one. Raises BadRequest."""
    if not exchange.body.strip():
        return {}
    try:
        said = msgspec.json.decode(exchange.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"We could not parse the JSON body of your request: {error}.") from None
    if not isinstance(said, dict):
        raise BadRequest("The body must be a JSON object.")
    return said


def query_of(exchange: Exchange) -> dict[str, str]:
    """The query's parameters."""
    return dict(parse_qsl(exchange.scope.get("query_string", b"").decode("latin-1")))


def known(said: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises BadRequest for a field that does not exist."""
    for name in said:
        if name not in names:
            raise BadRequest(f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def text_in(said: Mapping[str, Any], name: str, longest: int = 512) -> str | None:
    """A string or None. Raises BadRequest."""
    value = said.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > longest):
        raise BadRequest(f"'{name}' must be a string of at most {longest} characters.", name)
    return value


def whole_in(said: Mapping[str, Any], name: str, least: int, most: int, param: str | None = None) -> int | None:
    """A whole number or None. Raises BadRequest."""
    value, param = said.get(name), param or name
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRequest(f"'{param}' must be a whole number from {least} to {most}.", param)
    return value


def attributes_in(said: Mapping[str, Any], name: str, param: str | None = None) -> dict[str, Any]:
    """At most 16 keys with a string, a number or a boolean each. Raises BadRequest."""
    value, param = said.get(name), param or name
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MOST_ATTRIBUTES:
        raise BadRequest(f"'{param}' must be an object with at most {MOST_ATTRIBUTES} keys.", param)
    for key, item in value.items():
        if (
            len(key) > 64
            or not isinstance(item, str | int | float | bool)
            or (isinstance(item, str) and len(item) > 512)
        ):
            words = "must be a string of at most 512 characters, a number or a boolean"
            raise BadRequest(f"'{param}.{key[:64]}' {words}.", f"{param}.{key[:64]}")
    return value


def strings_in(said: Mapping[str, Any], name: str, most: int) -> list[str]:
    """An array of strings. Raises BadRequest."""
    value = said.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(item, str) for item in value):
        raise BadRequest(f"'{name}' must be an array of at most {most} strings.", name)
    return value


def page_of(exchange: Exchange, items: Sequence[T], id_of: Callable[[T], str], show: Callable[[T], Any]) -> bytes:
    """One page of a list, the newest first unless asked otherwise, in OpenAI's shape. Raises BadRequest."""
    query = query_of(exchange)
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= (10_000 if "/files" in exchange.path[:10] else MOST_PAGE):
        raise BadRequest(f"'limit' must be a whole number from 1 to {MOST_PAGE}.", "limit")
    ordered = list(items) if query.get("order") == "asc" else list(reversed(items))
    ids = [id_of(item) for item in ordered]
    first = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    last = ids.index(query["before"]) if query.get("before") in ids else len(ids)
    if "before" in query and "after" not in query:
        first = max(last - int(limit), 0)
    shown = ordered[first:last][: int(limit)]
    names = [id_of(item) for item in shown]
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [show(item) for item in shown],
            "first_id": names[0] if names else None,
            "last_id": names[-1] if names else None,
            "has_more": first + len(shown) < last,
        }
    )
