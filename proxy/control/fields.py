"""Reads Maestro's own body fields, and takes them out of what an upstream will see."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from proxy.control.requirements import Size, read_requirements
from proxy.control.wishes import (
    EFFORTS,
    Wishes,
    number_in,
    read_calls,
    read_effort,
    read_quality,
    read_seconds,
    read_usd,
)
from router.errors import BadRequest
from router.task import NamedAction, Requirement

OURS = frozenset(
    {
        "requirements",
        "budget",
        "quality_threshold",
        "models",
        "include",
        "response_language",
        "dry_run",
        "maestro",
    }
)
INCLUDES = frozenset({"data_sources", "requirements_result"})
METADATA_PREFIX = "maestro_"
NAMED_PARTS = ("technique", "n", "model", "prompt", "tool_limit")
LONGEST_NAMED_N = 64

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


def read_body(body: bytes) -> dict[str, msgspec.Raw]:
    """The top-level fields as raw JSON. Raises BadRequest for what is not one JSON object in UTF-8."""
    try:
        if not body.isascii():
            body.decode("utf-8")
        return _decode_fields(body)
    except msgspec.ValidationError:
        raise BadRequest("The body must be a JSON object.") from None
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8 (at byte {error.start}).") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"We could not parse the JSON body of your request: {error}.") from None


def decode_field(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    """One field, decoded; None if it is absent or null. Raises BadRequest naming it."""
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"'{name}' is malformed: {error}.", name) from None


def read_flag(fields: Mapping[str, msgspec.Raw], name: str) -> bool:
    """A boolean; absent and null are false. Raises BadRequest naming it."""
    raw = fields.get(name)
    if raw is None:
        return False
    value = _decode(raw)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadRequest(f"'{name}' must be true or false.", name)


def read_strings(fields: Mapping[str, msgspec.Raw], name: str) -> tuple[str, ...]:
    """An array of strings. Raises BadRequest naming the item."""
    value = decode_field(fields, name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadRequest(f"'{name}' must be an array of strings.", name)
    for index, item in enumerate(value):
        if not isinstance(item, str) or not item:
            raise BadRequest(f"'{name}[{index}]' must be a string that is not empty.", f"{name}[{index}]")
    return tuple(value)


def read_text(fields: Mapping[str, msgspec.Raw], name: str, longest: int = 200) -> str | None:
    """A string, or None. Raises BadRequest naming it."""
    value = decode_field(fields, name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadRequest(f"'{name}' must be a string of 1 to {longest} characters.", name)
    return value


def read_wishes(fields: Mapping[str, msgspec.Raw], size: Size) -> Wishes:
    """What the body fields say. Raises BadRequest naming the field."""
    usd, seconds, calls, effort = _read_budget(decode_field(fields, "budget"))
    quality = decode_field(fields, "quality_threshold")
    return Wishes(
        usd=usd,
        seconds=seconds,
        calls=calls,
        effort=effort,
        quality=None if quality is None else read_quality(quality, "quality_threshold"),
        requirements=_read_list(fields, size),
    )


def _read_list(fields: Mapping[str, msgspec.Raw], size: Size) -> tuple[Requirement, ...]:
    value = decode_field(fields, "requirements")
    return () if value is None else read_requirements(value, "requirements", size)


def _read_budget(value: Any) -> tuple[Any, Any, Any, Any]:
    if value is None:
        return None, None, None, None
    if isinstance(value, str):
        return None, None, None, read_effort(value, "budget")
    if not isinstance(value, dict):
        raise BadRequest("'budget' must be one of low, medium, high, or an object {usd, seconds, calls}.", "budget")
    readers = {"usd": read_usd, "seconds": read_seconds, "calls": read_calls, "effort": read_effort}
    for name in value:
        if name not in readers:
            raise BadRequest(f"'budget.{name}' is not known; known are usd, seconds, calls, effort.", f"budget.{name}")
    said = {name: value.get(name) for name in readers}
    read = {
        name: None if said[name] is None else reader(said[name], f"budget.{name}") for name, reader in readers.items()
    }
    return read["usd"], read["seconds"], read["calls"], read["effort"]


def read_named_action(fields: Mapping[str, msgspec.Raw]) -> NamedAction | None:
    """The one action asked for by `maestro: {technique, n, model, prompt, tool_limit}`. Raises BadRequest naming the
    part."""
    value = decode_field(fields, "maestro")
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("technique"), str):
        raise BadRequest("'maestro' must be an object with a string 'technique'.", "maestro.technique")
    unknown = next((name for name in value if name not in NAMED_PARTS), None)
    if unknown is not None:
        raise BadRequest(f"'maestro.{unknown}' is not known.", f"maestro.{unknown}")
    n, model = value.get("n", 1), value.get("model")
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= LONGEST_NAMED_N:
        raise BadRequest(f"'maestro.n' must be a whole number from 1 to {LONGEST_NAMED_N}.", "maestro.n")
    if model is not None and not isinstance(model, str):
        raise BadRequest("'maestro.model' must be a string.", "maestro.model")
    prompt, limit = value.get("prompt", "plain"), value.get("tool_limit")
    if not isinstance(prompt, str):
        raise BadRequest("'maestro.prompt' must be a string.", "maestro.prompt")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise BadRequest("'maestro.tool_limit' must be a whole number of at least 1.", "maestro.tool_limit")
    return NamedAction(value["technique"], n, model, prompt, limit)


def read_include(fields: Mapping[str, msgspec.Raw]) -> frozenset[str]:
    """What the client wants besides. Raises BadRequest naming an item that is not known."""
    asked = read_strings(fields, "include")
    for index, item in enumerate(asked):
        if item not in INCLUDES:
            raise BadRequest(f"'include[{index}]' must be one of {', '.join(sorted(INCLUDES))}.", f"include[{index}]")
    return frozenset(asked)


def team_in(body: bytes) -> str | None:
    """The team that `metadata.maestro_team` names, or None: read before the key is checked, so it never raises."""
    if b"maestro_team" not in body:
        return None
    try:
        metadata = msgspec.json.decode(body, type=_Metadata).metadata
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    team = metadata.get("maestro_team")
    return team if isinstance(team, str) else None


class _Metadata(msgspec.Struct):
    metadata: dict[str, Any] = {}


def take_metadata(fields: Mapping[str, msgspec.Raw]) -> tuple[Wishes, msgspec.Raw | None]:
    """What `metadata.maestro_*` says, and the metadata without it (None: nothing is left). Raises BadRequest."""
    raw = fields["metadata"]
    if METADATA_PREFIX.encode() not in bytes(raw):
        return Wishes(), raw
    metadata = decode_field(fields, "metadata")
    if not isinstance(metadata, dict):
        return Wishes(), raw
    wishes = Wishes()
    for name, value in metadata.items():
        if name.startswith(METADATA_PREFIX):
            wishes = _with_metadata(wishes, name, value)
    kept = {name: part for name, part in _decode_fields(raw).items() if not name.startswith(METADATA_PREFIX)}
    return wishes, msgspec.Raw(msgspec.json.encode(kept)) if kept else None


def _with_metadata(wishes: Wishes, name: str, value: Any) -> Wishes:
    param = f"metadata.{name}"
    if not isinstance(value, str):
        raise BadRequest(f"'{param}' must be a string.", param)
    match name.removeprefix(METADATA_PREFIX):
        case "team":
            return wishes
        case "budget" if value in EFFORTS:
            return replace(wishes, effort=read_effort(value, param))
        case "budget":
            return replace(wishes, usd=read_usd(number_in(value, param), param))
        case "quality":
            return replace(wishes, quality=read_quality(number_in(value, param), param))
    raise BadRequest(f"'{param}' is not known; known are maestro_team, maestro_budget, maestro_quality.", param)
