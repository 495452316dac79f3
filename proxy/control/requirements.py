"""Reads lists of requirements: strings or objects, each with a stable name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy.control.wishes import renamed
from router.errors import BadRequest, TooLarge
from router.task import Requirement

KEYS = ("name", "description", "is_mandatory", "weight", "check", "check_only")
LONGEST_NAME = 200
NOT_A_WORD = re.compile(r"[^\w]+")
SLUG_CHARACTERS = 48


class Size(msgspec.Struct, frozen=True):
    """How many requirements one request may carry, and how long one may be (characters)."""

    count: int = 32
    characters: int = 4000


def read_requirements(value: Any, param: str, size: Size) -> tuple[Requirement, ...]:
    """Requirements in their order, all with different names. Raises BadRequest naming the item and field."""
    if not isinstance(value, list):
        raise BadRequest(f"'{param}' must be an array of strings or objects.", param)
    if len(value) > size.count:
        raise TooLarge(f"'{param}' has {len(value)} items; at most {size.count} are allowed.", param)
    return with_names([_read(item, f"{param}[{index}]", size) for index, item in enumerate(value)], param)


def with_names(requirements: Sequence[Requirement], param: str) -> tuple[Requirement, ...]:
    """Gives the unnamed ones a name made of their words: the same words always give the same name."""
    taken = {requirement.name for requirement in requirements if requirement.name}
    named: dict[str, Requirement] = {}
    for index, requirement in enumerate(requirements):
        name = requirement.name or _free(slug(requirement.description), taken)
        if name in named:
            raise BadRequest(f"Two requirements are named '{name}'.", f"{param}[{index}].name")
        taken.add(name)
        named[name] = renamed(requirement, name)
    return tuple(named.values())


def slug(description: str) -> str:
    """A name from a description's first words."""
    words = NOT_A_WORD.sub("_", description.lower()).strip("_")
    if len(words) <= SLUG_CHARACTERS:
        return words or "requirement"
    return words[:SLUG_CHARACTERS].rsplit("_", 1)[0].strip("_") or words[:SLUG_CHARACTERS]


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _read(item: Any, param: str, size: Size) -> Requirement:
    if isinstance(item, str):
        return Requirement("", _description(item, param, size))
    if not isinstance(item, Mapping):
        raise BadRequest(f"'{param}' must be a string or an object.", param)
    unknown = next((key for key in item if key not in KEYS), None)
    if unknown is not None:
        raise BadRequest(f"'{param}.{unknown}' is not known; known are {', '.join(KEYS)}.", f"{param}.{unknown}")
    check = _check(item.get("check"), f"{param}.check")
    return Requirement(
        name=_name(item.get("name"), f"{param}.name"),
        description=_describe(item.get("description"), check, f"{param}.description", size),
        is_mandatory=_flag(item.get("is_mandatory"), f"{param}.is_mandatory"),
        weight=read_weight(item.get("weight", 1.0), f"{param}.weight"),
        check=check,
        check_only=_flag(item.get("check_only"), f"{param}.check_only"),
    )


def _name(value: Any, param: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME:
        raise BadRequest(f"'{param}' must be a string of 1 to {LONGEST_NAME} characters.", param)
    return value.strip()


def _describe(value: Any, check: Mapping[str, Any] | None, param: str, size: Size) -> str:
    if value is None and check is not None:
        return " ".join([str(check["type"]), *(str(part) for name, part in check.items() if name != "type")])[:200]
    return _description(value, param, size)


def _description(value: Any, param: str, size: Size) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"'{param}' must be a string that is not empty.", param)
    if len(value) > size.characters:
        raise TooLarge(f"'{param}' has {len(value)} characters; at most {size.characters} are allowed.", param)
    return value.strip()


def _check(value: Any, param: str) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise BadRequest(f"'{param}' must be an object with a string 'type'.", param)
    return value


def _flag(value: Any, param: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadRequest(f"'{param}' must be true or false.", param)
    return value


def read_weight(value: Any, param: str) -> float:
    """A weight above 0, at most 1000. Raises BadRequest naming `param`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1000:
        raise BadRequest(f"'{param}' must be a number above 0, at most 1000.", param)
    return float(value)
