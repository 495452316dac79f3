"""Requirement text → checks. What is not understood as a whole goes to the judge, never to a wrong check."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from router.checks.check import Check, Compiled, Validator
from router.checks.effects import PARAMETERS, build_effect
from router.checks.explicit import build_check
from router.checks.grammar.reader import read_text
from router.checks.validators import Effects, Validators
from router.errors import BadRequest
from router.task import Requirement

GROUNDING = ("grounded", "cited")
"""Kinds that speak of sources: `router/grounding.py` checks them where tools found some, else the judge does."""


def compile_requirement(requirement: Requirement, validators: Mapping[str, Validator] | None = None) -> Compiled:
    """The checks, validators and judge's share of a requirement. Raises BadRequest for a bad explicit check."""
    if requirement.check is not None:
        return _explicit(requirement, {} if validators is None else validators)
    return _compile_text(requirement.description)


@lru_cache(maxsize=1024)
def _compile_text(text: str) -> Compiled:
    """The same texts come again and again: teams' defaults, agents' loops."""
    specs, judged = read_requirement(text)
    if not specs:
        return Compiled(judged=text)
    try:
        checks: tuple[Check, ...] = tuple(build_check(spec) for spec in specs)
    except BadRequest:
        return Compiled(judged=text)
    return Compiled(checks=checks, judged=judged, kind=checks[0].kind)


def read_requirement(text: str) -> tuple[list[dict[str, Any]], str]:
    """Explicit checks that a text says, and the rest of it for the judge ("" if nothing is left)."""
    reading = read_text(text)
    return list(reading.specs), reading.judged


def _explicit(requirement: Requirement, validators: Mapping[str, Validator]) -> Compiled:
    spec, param = requirement.check or {}, f"requirements['{requirement.name}'].check"
    kind = spec.get("type")
    if kind == "validator":
        name = spec.get("name")
        if not isinstance(name, str) or name not in validators:
            raise BadRequest(f"Unknown validator {name!r}.", f"{param}.name")
        return Compiled(validators=(validators[name],), kind="validator")
    if kind in GROUNDING:
        return Compiled(judged=requirement.description, kind=str(kind))
    if kind == "judge":
        return Compiled(judged=requirement.description)
    if kind in PARAMETERS:
        effects = validators.effects if isinstance(validators, Validators) else Effects()
        return Compiled(validators=(build_effect(spec, effects, param),), kind=str(kind))
    check = build_check(spec, param)
    return Compiled(checks=(check,), kind=check.kind)
