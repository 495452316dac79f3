"""How many of the client's tools are offered: a dimension of actions. The most fitting by words come first."""

import re
from collections.abc import Sequence
from typing import Any

_WORD = re.compile(r"[a-z]{3,}")


def offered_tools(tools: Sequence[Any], limit: int, text: str) -> list[Any]:
    """At most `limit` tools, those whose name and description share most words with the text, in their own order."""
    asked = set(_WORD.findall(text.lower()))
    ranked = sorted(range(len(tools)), key=lambda place: (-len(asked & _words(tools[place])), place))
    return [tools[place] for place in sorted(ranked[:limit])]


def _words(tool: Any) -> set[str]:
    function = tool.get("function", tool) if isinstance(tool, dict) else {}
    said = f"{function.get('name', '')} {function.get('description', '')}" if isinstance(function, dict) else ""
    return set(_WORD.findall(said.lower().replace("_", " ")))
