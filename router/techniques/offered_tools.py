"""How many of the client's tools are offered: a dimension of actions. Those nearest in meaning to the request come
first; what the client forces, and what the conversation has called already, is always among them."""

from collections.abc import Sequence
from typing import Any

from action_model.features import similarities
from router.client_tools import is_function, kept_names, name_of
from router.facts import last_user_text, read_messages
from router.task import Task

LONGEST_TEXT = 600
"""Characters of a tool's name and description that are compared."""


def offered_tools(tools: Sequence[Any], limit: int, text: str, kept: frozenset[str] = frozenset()) -> list[Any]:
    """At most `limit` function tools, in their own order; more only where more are `kept`. Tools of other kinds stay.

    Nearness is the cosine of the static embeddings of text and tool (name and description).
    """
    functions = [place for place, tool in enumerate(tools) if is_function(tool)]
    if len(functions) <= limit:
        return list(tools)
    near = similarities(text, [_words(tools[place]) for place in functions])
    must = [place for place in functions if name_of(tools[place]) in kept]
    ranked = sorted(zip(near, functions, strict=True), key=lambda one: (-one[0], one[1]))
    others = [place for _, place in ranked if place not in must]
    left_out = set(others[max(0, limit - len(must)) :])
    return [tool for place, tool in enumerate(tools) if place not in left_out]


def limited(task: Task, limit: int) -> list[Any] | None:
    """The client's tools cut to a limit for what its last user message asks; None where it sent no list of them."""
    tools = task.payload.read("tools")
    if not isinstance(tools, list):
        return None
    return offered_tools(tools, limit, last_user_text(read_messages(task)), kept_names(task.payload.fields))


def _words(tool: Any) -> str:
    function = tool.get("function", tool)
    return f"{function['name'].replace('_', ' ')}. {function.get('description') or ''}"[:LONGEST_TEXT]
