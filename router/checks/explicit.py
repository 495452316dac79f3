"""Explicit checks: `{"type": …}` → a check. One table of kinds; each kind reads its own parameters and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from router.checks import counts, formats, layout, wordplay, words
from router.checks.check import Answer, Check, Finding
from router.checks.composed import PARTS, EachCheck, NotCheck, PartCheck
from router.errors import BadRequest

Rule = Callable[[Answer, Any], Finding]
Monotone = Callable[[str, Any], bool]
DEEPEST = 3


@dataclass(frozen=True)
class Kind:
    """One kind of check: its parameters, its rule, and what a growing answer cannot recover from."""

    parameters: type[msgspec.Struct]
    rule: Rule
    already_failed: Monotone | None = None


@dataclass(frozen=True)
class RuleCheck:
    """A check made of a kind and its parameters."""

    kind: str
    parameters: Any
    spec: Mapping[str, Any]
    definition: Kind = field(compare=False, repr=False)

    def evaluate(self, answer: Answer) -> Finding:
        """Scores a whole answer; never 1.0 unless it holds."""
        return self.definition.rule(answer, self.parameters)

    def already_failed(self, partial: str) -> bool:
        """Is a growing answer past saving?"""
        monotone = self.definition.already_failed
        return monotone is not None and monotone(partial, self.parameters)


TABLES = (counts.KINDS, words.KINDS, formats.KINDS, layout.KINDS, wordplay.KINDS)
KINDS: dict[str, Kind] = {
    name: Kind(parameters, rule, monotone) for table in TABLES for name, (parameters, rule, monotone) in table.items()
}
COMPOSED = ("each", "part", "not")
"""Kinds that hold another check: `{"type": "each", "unit": "sentence", "check": {…}}`."""


def build_check(spec: Mapping[str, Any], param: str = "check", depth: int = 0) -> Check:
    """The check of an explicit form. Raises BadRequest naming `param` for an unknown type or wrong parameters."""
    kind = spec.get("type")
    if kind in COMPOSED and isinstance(kind, str):
        return _composed(kind, spec, param, depth)
    definition = KINDS.get(kind) if isinstance(kind, str) else None
    if definition is None:
        known = ", ".join(sorted([*KINDS, *COMPOSED]))
        raise BadRequest(f"Unknown check type {kind!r}. Known: {known}.", f"{param}.type")
    given = {name: value for name, value in spec.items() if name != "type"}
    _known_parameters(str(kind), given, definition.parameters.__struct_fields__, param)
    try:
        parameters = msgspec.convert(given, definition.parameters)
    except ValueError as error:
        raise BadRequest(f"Check '{kind}': {error}.", _where(str(error), given, param)) from None
    return RuleCheck(str(kind), parameters, {"type": kind, **given}, definition)


def _known_parameters(kind: str, given: Mapping[str, Any], known: tuple[str, ...], param: str) -> None:
    for name in given:
        if name not in known:
            shown = ", ".join(known) or "none"
            raise BadRequest(f"Check '{kind}': unknown parameter '{name}'. Known: {shown}.", f"{param}.{name}")


def _where(message: str, given: Mapping[str, Any], param: str) -> str:
    """The parameter that a message is about: msgspec ends with its path, our own messages begin with its name."""
    missing = message.partition("required field `")[2].partition("`")[0]
    named = missing or message.partition("`$.")[2].partition("`")[0].partition("[")[0] or message.split(maxsplit=1)[0]
    if not named.isidentifier() or (named not in given and not missing and "$." not in message):
        return param
    return f"{param}.{named}"


def _composed(kind: str, spec: Mapping[str, Any], param: str, depth: int) -> Check:
    known = ("check",) if kind == "not" else ("unit", "n", "check")
    _known_parameters(kind, {k: v for k, v in spec.items() if k != "type"}, known, param)
    unit, inner, number = spec.get("unit"), spec.get("check"), spec.get("n")
    if kind != "not" and (not isinstance(unit, str) or unit not in PARTS):
        raise BadRequest(f"Check '{kind}': unit must be one of {', '.join(PARTS)}.", f"{param}.unit")
    if not isinstance(inner, Mapping) or depth >= DEEPEST:
        raise BadRequest(f"Check '{kind}': check must be another check, at most {DEEPEST} deep.", f"{param}.check")
    built = build_check(inner, f"{param}.check", depth + 1)
    if kind == "not":
        return NotCheck(built)
    if kind == "each":
        return EachCheck(str(unit), built)
    if not isinstance(number, int) or isinstance(number, bool) or number == 0:
        raise BadRequest("Check 'part': n must be a whole number, not 0 (negative: from the end).", f"{param}.n")
    return PartCheck(str(unit), number, built)
