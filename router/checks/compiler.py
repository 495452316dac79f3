"""Requirement text → checks. What is not understood as a whole goes to the judge, never to a wrong check."""

import re
from collections.abc import Mapping

from router.checks.check import Check, Compiled, Validator
from router.checks.explicit import build_check
from router.checks.patterns import Spec, read_clause
from router.checks.phrasing import normalise, without_lead
from router.errors import BadRequest
from router.task import Requirement

_SPLIT = re.compile(
    r"(?<=[\w\"'`)\]])(?:\.\s+(?=[A-Z])|;\s+|,\s+(?=(?:do not|don't|and )\b)|"
    r",?\s+and\s+(?=(?:do|don't|use|include|write|end|start|begin|be|keep|answer|avoid)\b))"
)


def compile_requirement(requirement: Requirement, validators: Mapping[str, Validator] | None = None) -> Compiled:
    """The checks, validators and judge's share of a requirement. Raises BadRequest for a bad explicit check."""
    if requirement.check is not None:
        return _explicit(requirement, requirement.check, validators or {})
    specs, judged = read_requirement(requirement.description)
    if not specs:
        return Compiled(judged=requirement.description)
    checks: tuple[Check, ...] = tuple(build_check(spec) for spec in specs)
    return Compiled(checks=checks, judged=judged, kind=checks[0].kind)


def read_requirement(text: str) -> tuple[list[Spec], str]:
    """Explicit checks that a text says, and the rest of it for the judge ("" if nothing is left)."""
    whole = normalise(text)
    specs = _read(whole)
    if specs is not None:
        return specs, ""
    found: list[Spec] = []
    rest: list[str] = []
    for clause in _SPLIT.split(whole):
        clause_specs = _read(normalise(clause))
        if clause_specs is None:
            rest.append(clause.strip())
        else:
            found += clause_specs
    return found, ". ".join(rest)


def _read(clause: str) -> list[Spec] | None:
    return read_clause(clause) or read_clause(without_lead(clause))


def _explicit(requirement: Requirement, spec: Mapping[str, object], validators: Mapping[str, Validator]) -> Compiled:
    if spec.get("type") == "validator":
        name = spec.get("name")
        if not isinstance(name, str) or name not in validators:
            raise BadRequest(f"Unknown validator {name!r}.", f"requirements['{requirement.name}'].check.name")
        return Compiled(validators=(validators[name],), kind="validator")
    check = build_check(spec, f"requirements['{requirement.name}'].check")
    return Compiled(checks=(check,), kind=check.kind)
