"""Explicit checks: `{"type": …}` → a check. One table of kinds; each kind reads its own parameters and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from router.checks import counts, formats, words
from router.checks.check import Answer, Check, Finding
from router.errors import BadRequest

Rule = Callable[[Answer, Any], Finding]
Monotone = Callable[[str, Any], bool]


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
        """Scores a whole answer."""
        return self.definition.rule(answer, self.parameters)

    def already_failed(self, partial: str) -> bool:
        """Is a growing answer past saving?"""
        monotone = self.definition.already_failed
        return monotone is not None and monotone(partial, self.parameters)


KINDS: dict[str, Kind] = {
    name: Kind(parameters, rule, monotone)
    for name, (parameters, rule, monotone) in {**counts.KINDS, **words.KINDS, **formats.KINDS}.items()
}


def build_check(spec: Mapping[str, Any], param: str = "check") -> Check:
    """The check of an explicit form. Raises BadRequest naming `param` for an unknown type or wrong parameters."""
    kind = spec.get("type")
    definition = KINDS.get(kind) if isinstance(kind, str) else None
    if definition is None:
        raise BadRequest(f"Unknown check type {kind!r}. Known: {', '.join(sorted(KINDS))}.", f"{param}.type")
    given = {name: value for name, value in spec.items() if name != "type"}
    try:
        parameters = msgspec.convert(given, definition.parameters)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Check '{kind}': {error}.", param) from None
    except ValueError as error:
        raise BadRequest(f"Check '{kind}': {error}.", param) from None
    return RuleCheck(str(kind), parameters, {"type": kind, **given}, definition)
