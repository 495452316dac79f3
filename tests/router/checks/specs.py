"""One explicit form of every kind of check, for properties that hold of all."""

from typing import Any

from router.checks.explicit import KINDS

_PARAMETERS: dict[str, Any] = {
    "pattern": "a+",
    "schema": {"type": "object"},
    "keyword": "sea",
    "letter": "e",
    "of": ["sea", "sun"],
}
_VALUES: dict[str, Any] = {"sentence_ratio": [2, 1], "language": "en", "json_keys": ["a"]}
_NUMBERED = ("max_", "min_", "exact_", "palindromes", "vowel_kinds", "growing_", "nested", "different_")


def sample_spec(kind: str) -> dict[str, Any]:
    """An explicit form that is valid."""
    names = KINDS[kind].parameters.__struct_fields__
    spec = {"type": kind, **{name: _PARAMETERS[name] for name in names if name in _PARAMETERS}}
    if "value" in names:
        spec["value"] = _VALUES.get(kind, 3 if kind.startswith(_NUMBERED) else "a")
    return spec
