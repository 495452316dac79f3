"""Checks of form: JSON, JSON Schema, YAML, titles, postscripts, quotation, two answers."""

import json
import re
from typing import Any

import jsonschema_rs
import msgspec
import yaml

from router.checks.check import Answer, Finding
from router.checks.words import Nothing, Phrase

_FENCED = re.compile(r"^\s*```[a-zA-Z0-9]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`schema`: a JSON Schema."""

    schema: dict[str, Any]

    def __post_init__(self) -> None:
        try:
            jsonschema_rs.validator_for(self.schema)
        except (ValueError, TypeError) as error:
            raise ValueError(f"not a valid JSON Schema: {error}") from None


def unfenced(text: str) -> str:
    """The inside of a code fence that is the whole answer; else the text."""
    match = _FENCED.match(text)
    return match.group(1) if match else text


def is_json(answer: Answer, _: Nothing) -> Finding:
    """The whole answer is JSON; a code fence around it is allowed."""
    try:
        json.loads(unfenced(answer.text))
    except (ValueError, RecursionError) as error:
        return Finding(0.0, f"not JSON: {error}")
    return Finding(1.0, "valid JSON")


def json_schema(answer: Answer, p: Schema) -> Finding:
    """The whole answer is JSON that the schema accepts; each violation is named."""
    try:
        value = json.loads(unfenced(answer.text))
    except (ValueError, RecursionError) as error:
        return Finding(0.0, f"not JSON: {error}")
    errors = list(jsonschema_rs.validator_for(p.schema).iter_errors(value))
    if not errors:
        return Finding(1.0, "valid against the schema")
    shown = "; ".join(f"{'/'.join(map(str, e.instance_path)) or 'root'}: {e.message}" for e in errors[:3])
    return Finding(max(0.1, 0.8 - 0.1 * len(errors)), f"{len(errors)} violations: {shown}"[:500])


def is_yaml(answer: Answer, _: Nothing) -> Finding:
    """The whole answer is a YAML mapping or list."""
    try:
        value = yaml.safe_load(unfenced(answer.text))
    except yaml.YAMLError as error:
        return Finding(0.0, f"not YAML: {str(error)[:200]}")
    holds = isinstance(value, dict | list)
    return Finding(float(holds), "valid YAML" if holds else "only a scalar")


def quoted(answer: Answer, _: Nothing) -> Finding:
    """The whole answer stands in double quotes."""
    text = answer.text.strip()
    holds = len(text) > 1 and text[0] == text[-1] == '"'
    return Finding(float(holds), "in double quotes" if holds else "not wrapped in double quotes")


def title(answer: Answer, _: Nothing) -> Finding:
    """There is a title in double angular brackets."""
    holds = any(match.strip() for match in re.findall(r"<<([^\n]+?)>>", answer.text))
    return Finding(float(holds), "has a <<title>>" if holds else "no title in double angular brackets")


def postscript(answer: Answer, p: Phrase) -> Finding:
    """A postscript begins with the marker on a line of its own start."""
    loose = r"\s*".join(re.escape(character) for character in p.value.replace(" ", ""))
    holds = re.search(rf"(?:^|\n)\s*{loose}", answer.text, re.IGNORECASE) is not None
    return Finding(float(holds), f"{'has' if holds else 'no'} postscript '{p.value}'")


def two_responses(answer: Answer, _: Nothing) -> Finding:
    """Exactly two different answers, divided by six stars."""
    parts = [part.strip() for part in answer.text.split("******") if part.strip()]
    holds = len(parts) == 2 and parts[0] != parts[1]
    return Finding(float(holds), f"{len(parts)} parts divided by ******, 2 different ones wanted")


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    "json": (Nothing, is_json, None),
    "json_schema": (Schema, json_schema, None),
    "yaml": (Nothing, is_yaml, None),
    "quoted": (Nothing, quoted, None),
    "title": (Nothing, title, None),
    "postscript": (Phrase, postscript, None),
    "two_responses": (Nothing, two_responses, None),
}
