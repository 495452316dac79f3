"""Requirements that repeat or contradict each other: reported, not averaged away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

from router.checks import texts
from router.checks.check import Compiled
from router.checks.compiler import compile_requirement
from router.task import Requirement

MOST_REMEMBERED = 128
"""Lists of requirements: of the longest ones that are allowed 16 MB."""
_FORMS = frozenset(("json", "json_keys", "json_schema", "yaml", "xml", "csv", "sql", "python", "number"))
_JSON = frozenset(("json", "json_keys", "json_schema"))
_SINGLE = ("language", "starts_with", "ends_with", "first_word", "last_word")
_CASES = frozenset(("lowercase", "uppercase"))
_NO_LIMIT = 10**9
_SIGNS = {",": "commas", ";": "semicolons", ":": "colons", "!": "exclamations", "?": "questions"}


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one check of one requirement says."""

    requirement: str
    spec: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.spec["type"])


def find_problems(requirements: Sequence[Requirement], compiled: Sequence[Compiled]) -> tuple[str, ...]:
    """Sentences that name both requirements of each duplicate or contradiction. Judged texts: only duplicates. Of
    requirements in words it is remembered."""
    pairs = zip(requirements, compiled, strict=True)
    if all(requirement.check is None and one is compile_requirement(requirement) for requirement, one in pairs):
        return _problems_of(tuple((requirement.name, requirement.description) for requirement in requirements))
    return _find_problems(requirements, compiled)


@lru_cache(maxsize=MOST_REMEMBERED)
def _problems_of(texts: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    requirements = [Requirement(name, description) for name, description in texts]
    return _find_problems(requirements, [compile_requirement(requirement) for requirement in requirements])


def _find_problems(requirements: Sequence[Requirement], compiled: Sequence[Compiled]) -> tuple[str, ...]:
    claims = [
        _Claim(requirement.name, check.spec)
        for requirement, one in zip(requirements, compiled, strict=True)
        for check in one.checks
    ]
    problems = [*_repeated(requirements, compiled)]
    for a, b in combinations(claims, 2):
        reason = _contradiction(a, b)
        if reason:
            problems.append(f"'{a.requirement}' and '{b.requirement}' contradict each other: {reason}")
    return tuple(dict.fromkeys(problems))


def _repeated(requirements: Sequence[Requirement], compiled: Sequence[Compiled]) -> Iterator[str]:
    seen: dict[Any, str] = {}
    for requirement, one in zip(requirements, compiled, strict=True):
        says = _meaning(requirement, one)
        if says in seen:
            yield f"'{seen[says]}' and '{requirement.name}' say the same"
        seen.setdefault(says, requirement.name)


def _meaning(requirement: Requirement, one: Compiled) -> Any:
    if one.checks and not one.judged and not one.validators:
        return tuple(sorted(repr(sorted(check.spec.items(), key=str)) for check in one.checks))
    if one.validators:
        return repr(requirement.check)
    return " ".join(requirement.description.casefold().split()).rstrip(".")


def _contradiction(a: _Claim, b: _Claim) -> str:
    for found in (_bounds_clash(a, b), _words_clash(a, b), _words_clash(b, a), _nature_clash(a, b)):
        if found:
            return found
    return ""


def _bounds_clash(a: _Claim, b: _Claim) -> str:
    one, two = _interval(a.spec), _interval(b.spec)
    if one is None or two is None or one[0] != two[0]:
        return ""
    low, high = max(one[1], two[1]), min(one[2], two[2])
    return f"at least {low} and at most {high} {one[0][0]}" if low > high else ""


def _interval(spec: Mapping[str, Any]) -> tuple[tuple[str, str], int, int] | None:
    """((what is counted, of which), at least, at most)."""
    kind = str(spec["type"])
    if kind in ("keyword_count", "letter_count"):
        named = str(spec.get("keyword", spec.get("letter"))).casefold()
        return (f"times '{named}'", kind), spec.get("min") or 0, _or_endless(spec.get("max"))
    if kind == "excludes_characters":
        unit = _SIGNS.get(str(spec["value"]))
        return None if unit is None else ((unit, ""), 0, 0)
    how, _, unit = kind.partition("_")
    value = spec.get("value")
    if how not in ("max", "min", "exact") or not isinstance(value, int):
        return None
    key = (unit, str(spec.get("separator") or spec.get("marker") or ""))
    return key, value if how != "max" else 0, value if how != "min" else _NO_LIMIT


def _or_endless(limit: Any) -> int:
    return limit if isinstance(limit, int) else _NO_LIMIT


def _listed(spec: Mapping[str, Any]) -> list[str]:
    value = spec.get("value")
    return [value] if isinstance(value, str) else list(value or ())


def _words_clash(wants: _Claim, forbids: _Claim) -> str:
    """Something asked for that holds a forbidden phrase or character."""
    wanted = _wanted(wants)
    if forbids.kind == "excludes":
        hits = [(text, bad) for text in wanted for bad in _listed(forbids.spec) if texts.occurrences(text, bad)]
    elif forbids.kind == "excludes_characters":
        hits = [(text, bad) for text in wanted for bad in str(forbids.spec["value"]) if bad in text]
    else:
        return ""
    return f"'{hits[0][0]}' is asked for and '{hits[0][1]}' forbidden" if hits else ""


def _wanted(claim: _Claim) -> list[str]:
    if claim.kind in ("contains", "starts_with", "ends_with", "first_word", "last_word", "postscript"):
        return _listed(claim.spec)
    if claim.kind == "keyword_count" and claim.spec.get("min"):
        return [str(claim.spec["keyword"])]
    return []


def _nature_clash(a: _Claim, b: _Claim) -> str:
    """Two languages, two beginnings, two cases, two forms."""
    if a.kind == b.kind and a.kind in _SINGLE:
        one, two = str(a.spec["value"]).casefold(), str(b.spec["value"]).casefold()
        nested = (
            one.startswith(two) or two.startswith(one)
            if a.kind == "starts_with"
            else one.endswith(two) or two.endswith(one)
        )
        return "" if one == two or (nested and a.kind != "language") else f"{a.kind} '{one}' and '{two}'"
    kinds = {a.kind, b.kind}
    if kinds == _CASES:
        return "lowercase and uppercase"
    if len(kinds) == 2 and kinds <= _FORMS and not kinds <= _JSON:
        return " and ".join(sorted(kinds))
    return ""
