"""Are the arguments of an answer's tool calls what the tools ask for? A verifier that costs nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs
import msgspec

from router.task import Task, Verdict

REQUIREMENT = "tool_arguments"
"""The name of the verdict: of no requirement of the client."""


def check_tool_calls(task: Task, calls: Sequence[Mapping[str, Any]]) -> Verdict | None:
    """Passed if every call names a tool of the request and its arguments obey the tool's schema.

    None where the request offers no function: there is nothing to check against.
    """
    schemas = schemas_of(task)
    if not schemas:
        return None
    faults = [fault for call in calls if (fault := _fault(call, schemas))]
    if faults:
        return Verdict(REQUIREMENT, 0.0, "; ".join(faults), "check")
    return Verdict(REQUIREMENT, 1.0, f"{len(calls)} tool calls with valid arguments", "check")


def schemas_of(task: Task) -> dict[str, Any]:
    """The schema of each function the client offers; {} stands for one without."""
    tools = task.payload.read("tools") or []
    offered = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    legacy = task.payload.read("functions")
    offered += legacy if isinstance(legacy, list) else []
    named = [function for function in offered if isinstance(function, dict) and isinstance(function.get("name"), str)]
    return {function["name"]: function.get("parameters") or {} for function in named}


def _fault(call: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    function = call.get("function")
    if not isinstance(function, dict):
        return ""  # a custom tool: its input is free text
    name = function.get("name")
    if not isinstance(name, str) or name not in schemas:
        return f"no tool '{name}' was offered"
    try:
        arguments = msgspec.json.decode(function.get("arguments") or "{}")
    except (msgspec.DecodeError, TypeError):
        return f"the arguments of '{name}' are no JSON"
    return _schema_fault(name, schemas[name], arguments)


def _refuse(uri: str) -> Any:
    """A schema of a request never makes us fetch anything."""
    raise ValueError(f"no schema is fetched from {uri}")


def _schema_fault(name: str, schema: Any, arguments: Any) -> str:
    """What is wrong with the arguments; nothing where the schema itself is unusable, which is the client's affair."""
    try:
        validator = jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (ValueError, TypeError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return ""
    error = next(iter(validator.iter_errors(arguments)), None)
    return "" if error is None else f"the arguments of '{name}' do not fit its schema: {error.message[:200]}"
