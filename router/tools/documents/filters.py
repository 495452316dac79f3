"""Filters over the attributes and labels of files: OpenAI's filters, and AI21's labels. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from router.errors import BadRequest

Matches = Callable[[Mapping[str, Any], Sequence[str]], bool]
"""Does a file with these attributes and labels belong?"""
DEEPEST = 5
MOST_PARTS = 32
ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def read_filter(value: Any, param: str, depth: int = 0) -> Matches:
    """`{"type": "eq", "key": …, "value": …}` or `{"type": "and", "filters": […]}`. Raises BadRequest."""
    if value is None:
        return lambda _attributes, _labels: True
    if not isinstance(value, dict) or depth > DEEPEST:
        raise BadRequest(f"'{param}' must be a filter, at most {DEEPEST} deep.", param)
    kind = value.get("type")
    if kind in ("and", "or"):
        return _compound(str(kind), value.get("filters"), f"{param}.filters", depth)
    key, wanted = value.get("key"), value.get("value")
    if not isinstance(key, str):
        raise BadRequest(f"'{param}.key' must be a string.", f"{param}.key")
    return _comparison(kind, key, wanted, param)


def _compound(kind: str, parts: Any, param: str, depth: int) -> Matches:
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST_PARTS:
        raise BadRequest(f"'{param}' must be an array of 1 to {MOST_PARTS} filters.", param)
    inner = [read_filter(part, f"{param}[{i}]", depth + 1) for i, part in enumerate(parts)]
    joined = all if kind == "and" else any
    return lambda attributes, labels: joined(match(attributes, labels) for match in inner)


def _comparison(kind: Any, key: str, wanted: Any, param: str) -> Matches:
    if kind in ("in", "nin"):
        if not isinstance(wanted, list):
            raise BadRequest(f"'{param}.value' must be an array.", f"{param}.value")
        return lambda attributes, _: _is_one_of(attributes.get(key), wanted) == (kind == "in")
    if not isinstance(wanted, str | int | float | bool):
        raise BadRequest(f"'{param}.value' must be a string, a number or a boolean.", f"{param}.value")
    if kind in ("eq", "ne"):
        return lambda attributes, _: _is_one_of(attributes.get(key), [wanted]) == (kind == "eq")
    if kind not in ORDERS:
        known = ", ".join(["eq", "ne", *ORDERS, "in", "nin", "and", "or"])
        raise BadRequest(f"'{param}.type' must be one of {known}.", f"{param}.type")
    return lambda attributes, _: _is_ordered(attributes.get(key), wanted, ORDERS[kind])


def _is_one_of(found: Any, wanted: Sequence[Any]) -> bool:
    """Equal to one of them, and of the same kind: true is not 1."""
    return any(found == value and isinstance(found, bool) == isinstance(value, bool) for value in wanted)


def _is_ordered(found: Any, wanted: Any, holds: Callable[[Any, Any], bool]) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (found, wanted))
    texts = isinstance(found, str) and isinstance(wanted, str)
    return (numbers or texts) and holds(found, wanted)


def read_labels(value: Any, mode: Any, param: str) -> Matches:
    """AI21's labels: a list with mode AND or OR (the default), or an OpenAI filter object. Raises BadRequest."""
    if value is None:
        return lambda _attributes, _labels: True
    if isinstance(value, dict):
        return read_filter(value, param)
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise BadRequest(f"'{param}' must be an array of strings.", param)
    if mode not in (None, "AND", "OR"):
        raise BadRequest("'labels_filter_mode' must be AND or OR.", param.rpartition(".")[0] + ".labels_filter_mode")
    wanted = frozenset(value)
    if mode == "AND":
        return lambda _, labels: wanted <= frozenset(labels)
    return lambda _, labels: not wanted or not wanted.isdisjoint(labels)


def both(*parts: Matches) -> Matches:
    """All of them hold."""
    return lambda attributes, labels: all(part(attributes, labels) for part in parts)
