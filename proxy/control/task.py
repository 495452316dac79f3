"""Headers + body → Task: what is asked, what must hold and what may be spent, with all Maestro words taken out.

Strongest first: headers, body fields, `metadata.maestro_*`, the `<maestro>` block of a system or developer message, the
model-name suffix, the key's and team's defaults, the server's. Scalars: the stronger place wins. Requirements add up.
"""

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.control.block import peek_messages, take_blocks
from proxy.control.defaults import default_wishes, operating_point, server_wishes
from proxy.control.fields import (
    OURS,
    decode_field,
    read_body,
    read_flag,
    read_include,
    read_named_action,
    read_strings,
    read_text,
    read_wishes,
    take_metadata,
)
from proxy.control.requirements import Size, read_requirements
from proxy.control.tools import take_tools
from proxy.control.wishes import (
    NOTHING,
    Wishes,
    add_up,
    bounded,
    number_in,
    read_calls,
    read_effort,
    read_quality,
    read_seconds,
    read_usd,
    strongest,
)
from proxy.settings import Settings
from router.errors import BadRequest, Forbidden, TooLarge, UnknownModel
from router.task import Caller, NamedAction, Payload, Requirement, Task

VIRTUAL_MODELS = ("maestro", "maestro-low", "maestro-medium", "maestro-high")
HEADER_PREFIX = "x-maestro-"
HEADERS = ("budget-usd", "budget-seconds", "budget-calls", "effort", "quality", "team", "requirements")
OF_THIS_HOP = frozenset(
    {"accept", "accept-encoding", "accept-language", "authorization", "connection", "content-length", "content-type"}
    | {"cookie", "expect", "host", "origin", "referer", "transfer-encoding", "user-agent", "x-api-key"}
)
LONGEST_MODEL_NAME = 300

Fields = dict[str, msgspec.Raw]


class Options(msgspec.Struct, frozen=True):
    """Maestro's body fields that are neither requirement nor budget."""

    models: tuple[str, ...] = ()
    include: frozenset[str] = frozenset()
    response_language: str | None = None
    dry_run: bool = False
    named_action: NamedAction | None = None


def read_task(
    headers: Mapping[str, str], body: bytes, caller: Caller, settings: Settings, prompt_field: str = "messages"
) -> Task:
    """The task of one request; header names in lower case. Raises BadRequest (naming the parameter) or Forbidden."""
    fields = read_body(body)
    size = size_limits(settings)
    if prompt_field != "messages":
        require(fields, prompt_field)
        return task_of(headers, fields, caller, settings)
    raw = bytes(require(fields, "messages"))
    messages, block = take_blocks(raw, peek_messages(raw), size)
    if messages is not raw:
        fields["messages"] = msgspec.Raw(messages)
    return task_of(headers, fields, caller, settings, block)


def task_of(
    headers: Mapping[str, str], fields: Fields, caller: Caller, settings: Settings, block: Wishes | None = None
) -> Task:
    """The same from a body cut into its fields, whose blocks are already taken out. `fields` is used up."""
    size = size_limits(settings)
    model, suffix = read_model(fields, settings.aliases)
    options = Options() if OURS.isdisjoint(fields) else _read_options(fields, caller)
    tools = take_tools(fields, _searches_web(settings, model)) if "tools" in fields else ()
    places = _places(headers, fields, size, block, suffix, caller)
    wishes = strongest([*places, server_wishes(settings)])
    return Task(
        model=model,
        requirements=_all_requirements(wishes.requirements, fields, model, size),
        budget=bounded(wishes, caller.max_usd),
        quality_threshold=0.0 if wishes.quality is None else wishes.quality,
        stream=read_flag(fields, "stream"),
        include_usage=_includes_usage(fields),
        models=options.models or caller.defaults.models,
        include=options.include,
        response_language=options.response_language or caller.defaults.response_language,
        dry_run=options.dry_run,
        named_action=options.named_action,
        client_headers=forwarded(headers),
        operating_point=operating_point(places[:-1], caller, wishes.effort, settings),
        tools=tools,
        payload=Payload({name: raw for name, raw in fields.items() if name not in OURS}),
    )


def _searches_web(settings: Settings, model: str) -> bool:
    """Is a web search ours to do? Where no engine is configured it is left to the model that was named."""
    return settings.tools.web_search is not None or model == "maestro"


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers that may matter to an upstream; the upstream's own layer refuses more of them."""
    return {
        name: value
        for name, value in headers.items()
        if name not in OF_THIS_HOP and not name.startswith((HEADER_PREFIX, "x-stainless-"))
    }


def size_limits(settings: Settings) -> Size:
    """How much one request may ask."""
    return Size(settings.limits.requirements, settings.limits.requirement_characters)


def require(fields: Fields, name: str) -> msgspec.Raw:
    """A field that must be there. Raises BadRequest naming it."""
    raw = fields.get(name)
    if raw is None or bytes(raw) == b"null":
        raise BadRequest(f"You must provide the parameter '{name}'.", name, "missing_required_parameter")
    return raw


def read_model(fields: Fields, aliases: Mapping[str, str]) -> tuple[str, Wishes]:
    """The model after aliases, and what its suffix says: `maestro-high` is `maestro` with effort high."""
    require(fields, "model")
    name = read_text(fields, "model", LONGEST_MODEL_NAME) or ""
    model = aliases.get(name, name)
    if not model.startswith("maestro"):
        return model, NOTHING
    if model in VIRTUAL_MODELS:
        _, _, effort = model.partition("-")
        return "maestro", Wishes(effort=read_effort(effort, "model") if effort else None)
    if model.startswith("maestro-"):
        raise UnknownModel(name)
    return model, NOTHING


def read_headers(headers: Mapping[str, str], size: Size) -> Wishes:
    """What the X-Maestro-… headers say. Raises BadRequest naming the header; an unknown one is an error too."""
    said = {name[len(HEADER_PREFIX) :]: value for name, value in headers.items() if name.startswith(HEADER_PREFIX)}
    if not said:
        return NOTHING
    for name in said:
        if name not in HEADERS:
            near = difflib.get_close_matches(name, HEADERS, n=1)
            hint = f" (did you mean '{_titled(near[0])}'?)" if near else ""
            raise BadRequest(f"The header '{_titled(name)}' is not known{hint}.", _titled(name))
    return Wishes(
        usd=_header(said, "budget-usd", read_usd),
        seconds=_header(said, "budget-seconds", read_seconds),
        calls=_header(said, "budget-calls", read_calls),
        quality=_header(said, "quality", read_quality),
        effort=read_effort(said["effort"].strip(), _titled("effort")) if "effort" in said else None,
        requirements=_header_requirements(said.get("requirements"), size),
    )


def _header(said: Mapping[str, str], name: str, reader: Any) -> Any:
    if name not in said:
        return None
    return reader(number_in(said[name], _titled(name)), _titled(name))


def _header_requirements(text: str | None, size: Size) -> tuple[Requirement, ...]:
    param = _titled("requirements")
    if text is None:
        return ()
    try:
        value = msgspec.json.decode(text.encode("latin-1"))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequest(f"The header '{param}' must be a JSON array: {error}.", param) from None
    return read_requirements(value, param, size)


def _titled(name: str) -> str:
    return f"{HEADER_PREFIX}{name}".title()


def _places(
    headers: Mapping[str, str], fields: Fields, size: Size, block: Wishes | None, suffix: Wishes, caller: Caller
) -> list[Wishes]:
    """Body first among the requirements' indices; among scalars the headers come first."""
    places = [read_headers(headers, size)]
    if not OURS.isdisjoint(fields):
        places.append(read_wishes(fields, size))
    if "metadata" in fields:
        places.append(_take_metadata(fields))
    if block is not None:
        places.append(block)
    places += [suffix, default_wishes(caller)]
    return places


def _take_metadata(fields: Fields) -> Wishes:
    wishes, left = take_metadata(fields)
    if left is None:
        del fields["metadata"]
    else:
        fields["metadata"] = left
    return wishes


def _read_options(fields: Fields, caller: Caller) -> Options:
    named_action = read_named_action(fields)
    if named_action is not None and not caller.is_operator:
        raise Forbidden("The field 'maestro' (a named action) is for operators' keys only.")
    return Options(
        models=read_strings(fields, "models"),
        include=read_include(fields),
        response_language=read_text(fields, "response_language"),
        dry_run=read_flag(fields, "dry_run"),
        named_action=named_action,
    )


def _all_requirements(
    wished: tuple[Requirement, ...], fields: Fields, model: str, size: Size
) -> tuple[Requirement, ...]:
    requirements = wished
    if "response_format" in fields and (wished or model == "maestro"):
        requirements = add_up(wished, _from_response_format(fields))
    if len(requirements) > size.count:
        raise TooLarge(f"{len(requirements)} requirements; at most {size.count} are allowed.", "requirements")
    return requirements


def _from_response_format(fields: Fields) -> tuple[Requirement, ...]:
    """A strict JSON schema is a mandatory requirement; a concrete model without others enforces its own."""
    asked = decode_field(fields, "response_format")
    if not isinstance(asked, dict) or asked.get("type") != "json_schema":
        return ()
    schema = asked.get("json_schema")
    if not isinstance(schema, dict) or not schema.get("strict") or not isinstance(schema.get("schema"), dict):
        return ()
    name = str(schema.get("name") or "response_format")
    description = f"Return valid JSON that matches the schema '{name}'"
    check = {"type": "json_schema", "schema": schema["schema"]}
    return (Requirement(name, description, is_mandatory=True, check=check, check_only=True),)


def _includes_usage(fields: Fields) -> bool:
    if "stream_options" not in fields:
        return False
    options = decode_field(fields, "stream_options")
    if options is not None and not isinstance(options, dict):
        raise BadRequest("'stream_options' must be an object.", "stream_options")
    return bool(options and options.get("include_usage") is True)
