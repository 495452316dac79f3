"""AI21's create-run body as a chat body for `maestro`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from router.errors import BadRequest

PASSED_ON = frozenset(
    {"requirements", "budget", "include", "quality_threshold", "metadata", "temperature", "top_p", "seed", "stop"}
    | {"tools", "tool_resources", "max_tokens", "max_completion_tokens", "response_format", "reasoning_effort"}
)
NO_LANGUAGE = "unset"


def decode_object(raw: bytes) -> dict[str, Any]:
    """A body that is one JSON object. Raises BadRequest."""
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None
    if not isinstance(said, dict):
        raise BadRequest("The body must be a JSON object.")
    return said


def chat_body(said: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """As chat; `aliases` may turn a model of AI21's into one of ours. Raises BadRequest naming the parameter."""
    body: dict[str, Any] = {"model": "maestro", "messages": _messages(said)}
    body |= {name: said[name] for name in PASSED_ON if said.get(name) is not None}
    body |= _models(said.get("models"), aliases)
    language = said.get("response_language")
    return body if language in (None, NO_LANGUAGE) else {**body, "response_language": language}


def _models(models: Any, aliases: Mapping[str, str]) -> dict[str, Any]:
    """`models` after aliases; "maestro" among them leaves the choice to us, a profile alone names itself."""
    if not models:
        return {}
    if not isinstance(models, list) or not all(isinstance(name, str) for name in models):
        return {"models": models}
    named = [aliases.get(name, name) for name in models]
    if len(named) == 1 and named[0].startswith("maestro"):
        return {"model": named[0]}
    concrete = [name for name in named if not name.startswith("maestro")]
    return {"models": concrete} if len(concrete) == len(named) else {}


def _messages(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    given, system = said.get("input"), said.get("system_prompt")
    if system is not None and not isinstance(system, str):
        raise BadRequest("'system_prompt' must be a string.", "system_prompt")
    head = [{"role": "system", "content": system}] if system else []
    if isinstance(given, str) and given:
        return [*head, {"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise BadRequest("'input' must be a string or a list of messages.", "input")
    for i, message in enumerate(given):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
            raise BadRequest("Each message needs a role of user or assistant.", f"input[{i}].role")
        if not isinstance(message.get("content"), str):
            raise BadRequest("Each message needs a content.", f"input[{i}].content")
    return [*head, *given]
