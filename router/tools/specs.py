"""Maestro's own tools as a request asks for them, read and bounded; the client's own tools are left to it. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from router.errors import BadRequest
from router.tools.documents.filters import Matches, both, read_filter, read_labels

MOST_TOOLS = 32
STRATEGIES = ("segments", "add_neighbors", "full_doc")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class FileSearch:
    """Search in vector stores; none named: in all of the team's."""

    stores: tuple[str, ...] = ()
    limit: int = 8
    threshold: float = 0.0
    files: frozenset[str] | None = None
    matches: Matches | None = field(default=None, compare=False)
    strategy: str = "segments"
    neighbours: int = 0


@dataclass(frozen=True, slots=True)
class WebSearch:
    """Search on the web; `prefixes` bound the URLs."""

    prefixes: tuple[str, ...] = ()
    limit: int = 6


@dataclass(frozen=True, slots=True)
class HttpTool:
    """A function whose arguments are POSTed to an address."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server whose tools the model may call; `allowed` None: all of them."""

    label: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    allowed: frozenset[str] | None = None


Spec = FileSearch | WebSearch | HttpTool | McpServer


def read_tools(tools: Any, resources: Any = None) -> tuple[tuple[Spec, ...], list[Any]]:
    """Ours, and the client's own as they came. Raises BadRequest naming the part.

    `resources` is the older way to bound searches: `{file_search: {…}, web_search: {…}}`.
    """
    if tools is None:
        return (), []
    if not isinstance(tools, list):
        raise BadRequest("'tools' must be an array.", "tools")
    ours: list[Spec] = []
    theirs: list[Any] = []
    for i, tool in enumerate(tools):
        reader = READERS.get(str(tool.get("type"))) if isinstance(tool, dict) else None
        if reader is None:
            theirs.append(tool)
            continue
        more = resources.get(tool["type"]) if isinstance(resources, dict) else None
        ours.append(reader({**(more if isinstance(more, dict) else {}), **tool}, f"tools[{i}]"))
    if len(ours) > MOST_TOOLS:
        raise BadRequest(f"At most {MOST_TOOLS} of Maestro's tools may be asked for.", "tools")
    return tuple(ours), theirs


def file_search(said: Mapping[str, Any], param: str) -> FileSearch:
    """OpenAI's and AI21's words together."""
    ranking = said.get("ranking_options") or {}
    threshold = said.get("retrieval_similarity_threshold")
    if threshold is None and isinstance(ranking, dict):
        threshold = ranking.get("score_threshold")
    labels_name = "labels_filter" if said.get("labels_filter") is not None else "labels"
    labels = read_labels(said.get(labels_name), said.get("labels_filter_mode"), f"{param}.{labels_name}")
    files = texts(said, "file_ids", param)
    strategy = said.get("retrieval_strategy") or "segments"
    if strategy == "default":
        strategy = "segments"
    if strategy not in STRATEGIES:
        where = f"{param}.retrieval_strategy"
        raise BadRequest(f"'{where}' must be one of {', '.join(STRATEGIES)}.", where)
    is_filtered = said.get("filters") is not None or said.get(labels_name) is not None
    return FileSearch(
        texts(said, "vector_store_ids", param),
        whole(said, "max_num_results", param, 8, 50),
        share(threshold, f"{param}.retrieval_similarity_threshold"),
        frozenset(files) if files else None,
        both(read_filter(said.get("filters"), f"{param}.filters"), labels) if is_filtered else None,
        strategy,
        whole(said, "max_neighbors", param, 0, 10, least=0),
    )


def web_search(said: Mapping[str, Any], param: str) -> WebSearch:
    """AI21's `urls`, or OpenAI's `filters.allowed_domains`."""
    filters = said.get("filters")
    domains = texts(filters, "allowed_domains", f"{param}.filters") if isinstance(filters, dict) else ()
    return WebSearch(texts(said, "urls", param) + domains)


def http_tool(said: Mapping[str, Any], param: str) -> HttpTool:
    """`{function: {name, description, parameters}, endpoint: {url, headers}}`."""
    function, endpoint = said.get("function"), said.get("endpoint")
    if not isinstance(function, dict):
        raise BadRequest(f"'{param}.function' must be an object.", f"{param}.function")
    if not isinstance(endpoint, dict) or not isinstance(endpoint.get("url"), str):
        raise BadRequest(f"'{param}.endpoint.url' must be a string.", f"{param}.endpoint.url")
    name, parameters = function.get("name"), function.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequest(f"'{param}.function.name' must match {_NAME.pattern}.", f"{param}.function.name")
    if not isinstance(parameters, dict):
        raise BadRequest(f"'{param}.function.parameters' must be a JSON schema.", f"{param}.function.parameters")
    schema = {("additionalProperties" if key == "additional_properties" else key): v for key, v in parameters.items()}
    headers = headers_in(endpoint, f"{param}.endpoint")
    return HttpTool(name, str(function.get("description") or ""), schema, endpoint["url"], headers)


def mcp_server(said: Mapping[str, Any], param: str) -> McpServer:
    """`{server_label, server_url, headers?, allowed_tools?}`."""
    label, url = said.get("server_label"), said.get("server_url")
    if not isinstance(label, str) or not _NAME.fullmatch(label):
        raise BadRequest(f"'{param}.server_label' must match {_NAME.pattern}.", f"{param}.server_label")
    if not isinstance(url, str):
        raise BadRequest(f"'{param}.server_url' must be a string.", f"{param}.server_url")
    allowed = said.get("allowed_tools")
    if isinstance(allowed, dict):
        allowed = allowed.get("tool_names")
    names = None if allowed is None else frozenset(texts({"allowed_tools": allowed}, "allowed_tools", param))
    return McpServer(label, url, headers_in(said, param), names)


READERS: Mapping[str, Callable[[Mapping[str, Any], str], Spec]] = {
    "file_search": file_search,
    "web_search": web_search,
    "web_search_preview": web_search,
    "http": http_tool,
    "mcp": mcp_server,
}


def texts(said: Mapping[str, Any], name: str, param: str) -> tuple[str, ...]:
    """An array of strings, or nothing. Raises BadRequest."""
    value = said.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 1000 or not all(isinstance(item, str) and item for item in value):
        raise BadRequest(f"'{param}.{name}' must be an array of strings.", f"{param}.{name}")
    return tuple(value)


def headers_in(said: Mapping[str, Any], param: str) -> dict[str, str]:
    """Headers to send along. Raises BadRequest for what is none."""
    value = said.get("headers") or {}
    fit = isinstance(value, dict) and all(
        isinstance(v, str) and "\n" not in v and "\r" not in v for v in value.values()
    )
    if not fit:
        raise BadRequest(f"'{param}.headers' must be an object of strings.", f"{param}.headers")
    return dict(value)


def whole(said: Mapping[str, Any], name: str, param: str, default: int, most: int, *, least: int = 1) -> int:
    """A whole number. Raises BadRequest."""
    value = said.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRequest(f"'{param}.{name}' must be a whole number from {least} to {most}.", f"{param}.{name}")
    return value


def share(value: Any, param: str) -> float:
    """A number from 0 to 1; nothing is 0. Raises BadRequest."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequest(f"'{param}' must be a number from 0 to 1.", param)
    return float(value)
